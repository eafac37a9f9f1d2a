"""``twinlens gallery copy`` as a person runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cli.shells import Shell
from tests.cli.test_commands import shell

from twinlens.gallery import open_gallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding
from twinlens.zoo import find_card

__all__ = ["shell"]


def filled(path: Path, subjects: int) -> Path:
    card = find_card("sface")
    with open_gallery(path, model=card.identity, dim=card.dim) as gallery:
        vectors = np.eye(card.dim, dtype=np.float32)[:subjects]
        gallery.add(Enrolment(f"s{i}", Embedding(v, card.identity), f"p{i}") for i, v in enumerate(vectors))
    return path


def test_copy(shell: Shell, tmp_path: Path) -> None:
    source, target = filled(tmp_path / "a.db", 5), tmp_path / "b.db"
    code, out, _ = shell("gallery", "copy", source, target)
    assert (code, "5 subjects, 5 templates in both (5 added)" in out) == (0, True)
    code, (again,) = shell.records("gallery", "copy", source, f"sqlite:{target}")
    assert (code, again["added"], len(again["checksum"])) == (0, 0, 64)
    code, _, err = shell("gallery", "copy", filled(tmp_path / "c.db", 3), target)
    assert (code, "the target holds something else" in err) == (4, True)
    code, _, err = shell("gallery", "copy", tmp_path / "nowhere.db", target)
    assert (code, "no gallery at" in err) == (4, True)


@pytest.mark.parametrize("command", [["list"], ["copy", "FROM"]])
def test_secrets_in_an_address_are_not_repeated(shell: Shell, tmp_path: Path, command: list[str]) -> None:
    secret = "milvus://root:Sesame@127.0.0.1/people"
    words = [filled(tmp_path / "a.db", 1) if word == "FROM" else word for word in command]
    code, out, err = shell("gallery", *words, *(["--gallery", secret] if command == ["list"] else [secret]))
    assert (code, "Sesame" in out + err, "token_env" in err) == (2, False, True)

"""Work shared out among real processes, which die, hang and fail on purpose."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.recognizer.collection.fake_eyes import MODEL, FakeEyes, photo

from twinlens.errors import ModelError, ModelMismatchError, OptionError
from twinlens.recognizer.collection import Foreman, Look, ProcessCrew, Task


@pytest.fixture
def crew() -> Iterator[ProcessCrew]:
    made = ProcessCrew(FakeEyes(), 2)
    yield made
    made.close()


def tasks(folder: Path, *people: str, more: int = 0) -> list[Task]:
    paths = [photo(folder / f"{n:05}.jpg", who) for n, who in enumerate([*people, *["A"] * more])]
    return [Task(path.name, str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]


def by_name(looks: list[Look]) -> dict[str, Look]:
    found = {look.task.name: look for look in looks}
    assert len(found) == len(looks)  # nobody twice
    return found


def test_every_photo_is_looked_at_once(crew: ProcessCrew, tmp_path: Path) -> None:
    wanted = tasks(tmp_path, more=150)
    looks = by_name(list(Foreman(crew, MODEL).work(wanted)))
    assert looks.keys() == {task.name for task in wanted}
    assert len(crew.pids()) == 2


def test_few_photos_need_one_worker(crew: ProcessCrew, tmp_path: Path) -> None:
    assert len(list(Foreman(crew, MODEL).work(tasks(tmp_path, "A", "B")))) == 2
    assert len(crew.pids()) == 1
    assert list(Foreman(crew, MODEL).work([])) == []


def test_tasks_are_asked_for_when_they_are_needed(crew: ProcessCrew, tmp_path: Path) -> None:
    asked = 0

    def endless() -> Iterator[Task]:
        nonlocal asked
        (task,) = tasks(tmp_path, "A")
        while True:
            asked += 1
            yield task

    looks = Foreman(crew, MODEL).work(endless())
    for _ in range(3):
        next(looks)
    assert asked <= 2 * 2 * 16 + 16  # workers, batches each, photos a batch


@pytest.mark.slow  # five processes are started one after the other
def test_a_photo_that_kills_its_worker_costs_itself(crew: ProcessCrew, tmp_path: Path) -> None:
    looks = by_name(list(Foreman(crew, MODEL).work(tasks(tmp_path, "A", "B", "kill", "kill once", more=40))))
    assert len(looks) == 44
    failed = {name: look.error for name, look in looks.items() if look.error}
    assert list(failed) == ["00002.jpg"]
    assert "failed twice: its process ended with signal 9 (SIGKILL)" in failed["00002.jpg"]
    assert "convert it or leave it out" in failed["00002.jpg"]


def test_a_fault_costs_a_photo_and_no_worker(crew: ProcessCrew, tmp_path: Path) -> None:
    list(Foreman(crew, MODEL).work(tasks(tmp_path, "A")))
    before = crew.pids()
    looks = by_name(list(Foreman(crew, MODEL).work(tasks(tmp_path, "A", "raise", "B"))))
    assert "ValueError: a fault" in looks["00001.jpg"].error
    assert (looks["00000.jpg"].error, looks["00002.jpg"].error) == ("", "")
    assert set(before) <= set(crew.pids())


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended(crew: ProcessCrew, tmp_path: Path) -> None:
    looks = by_name(list(Foreman(crew, MODEL, stuck_s=2.5).work(tasks(tmp_path, "A", "hang", "B"))))
    assert "no answer for 2.5 s" in looks["00001.jpg"].error
    assert (looks["00000.jpg"].error, looks["00002.jpg"].error) == ("", "")


@pytest.mark.slow
def test_workers_that_are_killed_from_outside_cost_nothing(crew: ProcessCrew, tmp_path: Path) -> None:
    looks = []
    for number, look in enumerate(Foreman(crew, MODEL).work(tasks(tmp_path, *["slow"] * 120))):
        looks.append(look)
        if number in (5, 60):
            os.kill(crew.pids()[0], signal.SIGKILL)
    assert len(by_name(looks)) == 120
    assert not [look.error for look in looks if look.error]


@pytest.mark.slow
def test_workers_that_never_start_end_the_run(tmp_path: Path) -> None:
    crew = ProcessCrew(FakeEyes(dies=True), 2)
    with pytest.raises(ModelError, match="8 workers ended one after the other: its process ended with exit code 7"):
        list(Foreman(crew, MODEL).work(tasks(tmp_path, more=50)))
    crew.close()


def test_vectors_of_another_model_are_refused(tmp_path: Path) -> None:
    crew = ProcessCrew(FakeEyes(model="other"), 1)
    with pytest.raises(ModelMismatchError, match="'other', wanted 'fake'"):
        list(Foreman(crew, MODEL).work(tasks(tmp_path, "A")))
    crew.close()


def test_closing_ends_every_process(crew: ProcessCrew, tmp_path: Path) -> None:
    looks = Foreman(crew, MODEL).work(tasks(tmp_path, *["slow"] * 100))
    next(looks)
    pids = crew.pids()
    assert pids
    crew.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_long_paths_fit_into_the_pipe(crew: ProcessCrew, tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(14):
        deep /= "d" * 240
    wanted = tasks(deep, more=100)
    assert len(wanted[0].path) > 3000
    assert len(by_name(list(Foreman(crew, MODEL).work(wanted)))) == 100


def test_a_crew_of_nobody_is_refused() -> None:
    with pytest.raises(OptionError, match="processes must be 1 or more"):
        ProcessCrew(FakeEyes(), 0)

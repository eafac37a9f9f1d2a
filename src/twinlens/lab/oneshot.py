"""A run and people nobody trained on -> k-way one-shot accuracy (Koch 2015, section 4.3), on any data with classes.

Episodes are drawn from the people of the run's test part by one seed, the same for every run on that data. The choice
is the gallery photo of highest similarity: no threshold, nothing is fitted.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from twinlens.datasets.oneshot import draw_episodes
from twinlens.datasets.records import Photo
from twinlens.errors import DatasetError
from twinlens.lab.data import open_material
from twinlens.lab.run import load_run, write_json
from twinlens.lab.scoring import embed
from twinlens.lab.tally import Reading
from twinlens.metrics.oneshot import oneshot_accuracy

ONESHOT_FILE = "oneshot.json"
SEED = 2015


def oneshot_test(folder: Path, data_root: Path, *, ways: int, cache: Path | None = None) -> Reading:
    """Test a finished run on episodes, and write the result into its folder.

    Args:
        folder: of the run.
        data_root: holds the data sets.
        ways: people in an episode; 400 trials in all.
        cache: of decoded pictures.

    Raises:
        DatasetError: the run has no test part, or too few people with two photos in it.
        ModelError: its weights cannot be read.
    """
    recipe, siamese = load_run(folder)
    material = open_material(recipe, data_root, cache=cache)
    if material.test is None:
        msg = f"{folder}: a one-shot test needs people who were not trained on; the recipe has no test part"
        raise DatasetError(msg)
    places = material.test.photos.tolist()
    photos = [Photo(str(int(material.people[place])), material.paths[place]) for place in places]
    episodes = draw_episodes(photos, rng=np.random.default_rng(SEED), ways=ways)
    wanted = dict.fromkeys(photo.path for episode in episodes for photo in (*episode.gallery, *episode.probes))
    where = {material.paths[place]: place for place in places}
    embeddings = embed(siamese, material, torch.tensor([where[path] for path in wanted]), recipe)
    at = {path: row for row, path in enumerate(wanted)}
    scores = np.empty((len(episodes), ways, ways))
    with torch.no_grad():
        for number, episode in enumerate(episodes):
            probes = torch.tensor([at[photo.path] for photo in episode.probes]).repeat_interleave(ways)
            gallery = torch.tensor([at[photo.path] for photo in episode.gallery]).repeat(ways)
            similarity = siamese.similarity(embeddings[probes], embeddings[gallery])
            scores[number] = similarity.double().numpy().reshape(ways, ways)
    found = oneshot_accuracy(scores)
    reading = Reading(found.estimate, found.low, found.high, len(episodes) * ways)
    write_json(
        folder / ONESHOT_FILE,
        {"ways": ways, "accuracy": reading.value, "interval": [reading.low, reading.high], "trials": reading.trials},
    )
    return reading


def read_oneshot(folder: Path) -> Reading | None:
    """Return what a run's one-shot test came to; None where it was not made."""
    path = folder / ONESHOT_FILE
    if not path.exists():
        return None
    plain = json.loads(path.read_text(encoding="utf-8"))
    low, high = plain["interval"]
    return Reading(plain["accuracy"], low, high, plain["trials"])

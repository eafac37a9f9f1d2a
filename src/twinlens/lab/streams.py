"""Seed and words -> a stream of random numbers of its own.

Whatever is drawn for an epoch comes from a stream named after it, so an epoch is a function of (seed, epoch): a run
that was killed repeats the epoch it was in and goes on as if nothing had happened.
"""

from __future__ import annotations

import hashlib

import torch


def seed_of(seed: int, *words: str | int) -> int:
    """Return a seed for one purpose, 0 to 2^63 - 1; other words give an unrelated one."""
    text = "/".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def stream(seed: int, *words: str | int) -> torch.Generator:
    """Return a generator for one purpose, at its beginning."""
    return torch.Generator().manual_seed(seed_of(seed, *words))

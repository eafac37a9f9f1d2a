"""The parts of peers.py. Each peer answers from a process and an environment of its own: see adapters/."""

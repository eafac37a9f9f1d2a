"""Embedding -> [Match]: who is enrolled, and who of them is most alike."""

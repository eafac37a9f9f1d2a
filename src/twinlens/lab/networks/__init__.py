"""Picture -> embedding: trunks by name, one file an architecture."""

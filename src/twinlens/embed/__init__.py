"""[Crop] -> [Embedding]."""

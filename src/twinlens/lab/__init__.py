"""Recipe -> a trained Siamese network, its table and its file. PyTorch lives in this room and nowhere else.

The order of reading: `recipe` (what a run is), `data`, `samplers` and `augment` (photos to batches), `networks`,
`heads` and `objectives` (batches to a loss), `train` (a run), `reproduce` and `sweep` (many runs), `export` and `fit`
(a run or a few photos to a model of the recognizer).
"""

"""A user's people -> a small head on the frozen default model, better for them or not saved (`twinlens fit`).

The order of reading: `views` (photos to vectors), `material` (who may be compared), `head` and `training` (an affine
map and its loss), `verdict` (people who did not train it judge it), `fitting` (all of it), `graph` and `saving` (a
model).
"""

"""A run of the lab -> a model of the recognizer: one ONNX file and its card (`twinlens export`).

The order of reading: `framing` (the recognizer's crop against what the network was trained on), `graph` (torch to
ONNX), `weights` (int8), `agreement` (do both answer alike?), `measuring` (accuracies), `exporting` (all of it).
"""

"""A recognizer or a model + a protocol -> Report: tables, plots, pages (numpy and matplotlib, no torch)."""

"""Folders and protocol files -> plain lists of paths and labels (no torch).

`open_dataset` takes a registered name, a folder with one folder per person or a CSV of pairs; `divide` splits people;
`draw_pairs` and `draw_episodes` draw by seed; `check` counts and decodes; `fetch` downloads.
"""

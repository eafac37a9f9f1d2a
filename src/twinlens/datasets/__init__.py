"""Folders and protocol files -> plain lists of paths and labels (no torch)."""

"""Genuine and impostor scores -> error rates with confidence intervals (numpy only)."""

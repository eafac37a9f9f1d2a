"""``python -m twinlens.cli``."""

from twinlens.cli.app import main

main()

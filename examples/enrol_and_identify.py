"""Enrol from one photo, then ask who is in another.

python examples/enrol_and_identify.py people.db "Eileen Collins" portrait.jpg group.jpg
"""

import sys

from twinlens import Recognizer

if len(sys.argv) != 5:
    sys.exit(__doc__)

gallery, name, portrait, group = sys.argv[1:]

with Recognizer.default(gallery) as recognizer:
    for report in recognizer.enrol(name, portrait):
        print(report.outcome, *report.reasons)
    for answer in recognizer.identify(group):
        print(answer.subject or "unknown", *answer.reasons)

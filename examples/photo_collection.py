"""Find everybody in a folder of photos, grouped by person.

python examples/photo_collection.py PHOTOS
"""

import sys
from pathlib import Path

from twinlens import Recognizer

if len(sys.argv) != 2:
    sys.exit(__doc__)

folder = Path(sys.argv[1])

with Recognizer.default(folder / ".twinlens.db") as recognizer:
    for report in recognizer.index(folder):
        if report.outcome == "unreadable":
            print(report.source, *report.reasons)
    for number, cluster in enumerate(recognizer.cluster(), 1):
        print(f"person {number}: {', '.join(cluster.members)}")

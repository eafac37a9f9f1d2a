"""Two photos: the same person?

python examples/verify.py A.jpg B.jpg
"""

import sys

from twinlens import Recognizer

if len(sys.argv) != 3:
    sys.exit(__doc__)

with Recognizer.default() as recognizer:
    decision = recognizer.verify(sys.argv[1], sys.argv[2])
    print("same person" if decision.accepted else "different people")
    print(f"similarity {decision.score:.3f}, threshold {decision.threshold:.3f}, FMR {decision.fmr}")

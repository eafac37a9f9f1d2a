"""Decide at a false match rate of your own: one stranger in 100,000.

python examples/own_threshold.py A.jpg B.jpg
"""

import sys

from twinlens import Recognizer
from twinlens.score import Policy

if len(sys.argv) != 3:
    sys.exit(__doc__)

with Recognizer.default(policy=Policy(target_fmr=1e-5)) as recognizer:
    decision = recognizer.verify(sys.argv[1], sys.argv[2])
    print(f"{decision.accepted}: similarity {decision.score:.3f}, {decision.threshold:.3f} is needed")

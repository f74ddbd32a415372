"""One worker: ``torchrun --standalone --nproc-per-node=2 -m trainyard_training JOB.json`` starts two.

Without torchrun it trains alone in one process. Exit codes are in ``exit_status``; ``launch`` starts workers faster and
tells their exit status apart.
"""

import sys

from trainyard_training.failures import report_failures
from trainyard_training.worker import main

if __name__ == "__main__":
    sys.exit(report_failures(lambda: main(sys.argv[1:])))

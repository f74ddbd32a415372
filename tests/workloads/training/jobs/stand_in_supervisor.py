"""The supervisor with a stand-in for the training."""

import sys

from workloads.training.jobs.supervisor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "tests.workloads.training.jobs.stand_in_guarded"))

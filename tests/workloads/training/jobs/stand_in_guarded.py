"""What a supervisor starts, with a stand-in for the training's launcher in it."""

import sys

from workloads.training.jobs.guarded_launch import main

if __name__ == "__main__":
    main(sys.argv[1:], "tests.workloads.training.jobs.stand_in_launcher")

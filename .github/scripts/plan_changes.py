"""Says whether a saved plan of Pulumi would do anything, as a workflow's step output.

Source of the format: DeploymentPlanV1 in Pulumi's sdk/go/common/apitype/plan.go.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main(arguments: list[str] | None = None) -> int:
    """Prints changes=true or changes=false and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path)
    plan = json.loads(parser.parse_args(arguments).plan.read_text())
    print(f"changes={str(has_changes(plan)).lower()}")
    return 0


def has_changes(plan: Mapping[str, Any]) -> bool:
    """Whether any resource has another step than to stay the same."""
    return any(step != "same" for each in plan["resourcePlans"].values() for step in each.get("steps") or [])


if __name__ == "__main__":
    sys.exit(main())

"""The benchmark of the report on a change: a tiny run of it."""

from pathlib import Path

import pytest

from bench import change_report
from bench.errors import BenchError
from bench.suite import yard_command
from tests.cli.yard import make_project

PROGRAM = """
import pulumi

pulumi.CustomResource("aws:sqs/queue:Queue", "work", {"tags": {"owner": pulumi.Config().require("owner")}})
"""


def test_a_report_is_timed_beside_a_plain_preview(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", PROGRAM, config="config:\n  shop:owner: me\n", stack="prod")
    told: list[str] = []
    [result] = change_report.measure_change_report(tmp_path, told.append, yard=yard_command(), project=project, runs=1)
    assert (result.name, result.unit) == ("change-report/prod/time", "s")
    assert result.value > 0
    assert result.compared_with is not None
    assert len(told) == change_report.steps(with_pack=False, runs=1)


def test_a_report_that_tells_of_nothing_is_none(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", "import pulumi\n", config="config:\n  shop:owner: me\n", stack="prod")
    with pytest.raises(BenchError, match="was expected to tell of a change"):
        change_report.measure_change_report(tmp_path, lambda _: None, yard=yard_command(), project=project, runs=0)

"""What a preview's events tell: resources with comparable values, and why there are none."""

from pathlib import Path
from typing import Any

from engine.events import Diagnostic, Event, Finished, PolicyPackFailed, PolicyViolation, Severity, StepStarted
from engine.values import SIGNATURE, UNKNOWN_SENTINEL
from lifecycle.changes.plan import plan_of
from lifecycle.changes.report import UNKNOWN

URN = "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::models"
FOLDER = Path("/work/shop")
SUCCEEDED = Finished("succeeded", {}, 0.1)
VIOLATED = PolicyViolation("own", "1", "kept", "It is not.", "mandatory")


def step(inputs: dict[str, Any], operation: str = "create", urn: str = URN) -> Event:
    state = {"urn": urn, "custom": True, "type": "aws:s3/bucket:Bucket", "inputs": inputs}
    return StepStarted(operation, urn, new_state=state)


def shown(value: Any) -> Any:
    return plan_of([step({"value": value}), SUCCEEDED], FOLDER).resources[URN].inputs["value"]


def test_values_are_the_same_wherever_the_revision_lies() -> None:
    assert shown("/work/shop/data and /work/shop") == "./data and ."
    assert shown("/work/shops") == "/work/shops"
    assert shown([UNKNOWN_SENTINEL, {"a": "/work/shop", "__b": 1}]) == [UNKNOWN, {"a": "."}]
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "abc", "path": "/work/shop/x"}
    assert shown(asset) == "asset sha256:abc"


def test_what_is_only_read_and_default_providers_are_no_part_of_the_stack() -> None:
    provider = "urn:pulumi:dev::shop::pulumi:providers:aws::default_7_51_1"
    plan = plan_of([step({}, "read"), step({}, urn=provider), SUCCEEDED], FOLDER)
    assert plan.resources == {}


def test_a_violation_is_no_problem_and_a_pack_that_cannot_judge_is() -> None:
    failed = Finished("failed", {}, 0.1, cause="policy")
    assert plan_of([step({}), VIOLATED, failed], FOLDER).problem == ""
    told = plan_of([step({}), VIOLATED, PolicyPackFailed("own", "1"), failed], FOLDER)
    assert (told.problem, told.cause, told.resources) == ("the preview failed", "policy", {})


def test_a_process_that_ends_before_any_resource_is_told_with_its_last_words() -> None:
    printed = [Diagnostic(Severity.INFO, f"line {number}") for number in range(20)]
    ended = [Diagnostic(Severity.ERROR, "it ended in /work/shop"), Finished("failed", {}, 0.1, cause="program")]
    plan = plan_of([*printed, *ended], FOLDER)
    assert plan.problem.splitlines() == ["it ended in .", *(f"line {number}" for number in range(10, 20))]
    assert plan_of([step({}), *printed, *ended], FOLDER).problem == "it ended in ."

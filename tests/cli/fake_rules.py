"""A small catalogue of rules, apart from the pack's own, which grows."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from policies.configuration import settings
from policies.resources import Resource, Stack
from policies.rules import Objection, Parameter, Rule, related_rule, resource_rule, stack_rule

BUCKET = "aws:s3/bucket:Bucket"
TODAY = datetime.date(2026, 11, 1)


def _kept(_resource: Resource) -> Iterator[str]:
    yield "The bucket has none."


def _together(_resource: Resource, _stack: Stack) -> Iterator[str]:
    yield "Nothing is beside it."


def _within(_stack: Stack, *, maximum_usd: float, models: list[str]) -> Iterator[Objection]:
    yield Objection(f"{models} cost more than {maximum_usd}.")


# What files in the pack would be called.
_kept.__module__ = _together.__module__ = "policies.aws.storage"
_within.__module__ = "policies.cost.ceilings"

KEPT = resource_rule(
    BUCKET,
    id="aws-bucket-kept",
    title="Buckets are kept | by `protect`, *always*.",
    severity="high",
    frameworks=("CKV_AWS_21", "CIS AWS 3.0.0 2.1.2"),
    wrong="What is in <them> is lost.",
    mend="set protect, such as _so_ or some_how.",
)(_kept)
TOGETHER = related_rule(
    BUCKET,
    "aws:s3/bucketPolicy:BucketPolicy",
    id="aws-bucket-together",
    title="Buckets have a policy.",
    severity="low",
    frameworks=(),
    wrong="Everybody may read them.",
    mend="add one.",
    level="advisory",
)(_together)
WITHIN = stack_rule(
    "*",
    id="cost-within",
    title="The stack costs no more than it may.",
    severity="medium",
    frameworks=("FinOps",),
    wrong="The budget is spent.",
    mend="buy less.",
    topic="cost",
    parameters={
        "maximum_usd": Parameter(40.0, "Most that an hour may cost, in US dollars."),
        "models": Parameter(("a", "b"), "Models that may be bought."),
    },
)(_within)

RULES: tuple[Rule, ...] = (WITHIN, KEPT, TOGETHER)
DEV: Mapping[str, Any] = {
    "aws-bucket-kept": {
        "enforcementLevel": "advisory",
        "exemptions": [{"resource": "logs-*", "reason": "They are | small.", "expires": "2027-06-30"}],
    },
    "aws-bucket-together": "disabled",
    "cost-within": {"maximum_usd": 12.5},
}
SETTINGS = {"dev": settings(DEV, RULES, TODAY), "prod": settings({"all": "mandatory"}, RULES, TODAY)}

"""The report on a change as JSON. Pure.

Keys are the fields of `lifecycle.changes.report`, which says what they mean; money is US dollars, and null what nobody
knows. `version` changes with what a reader would have to know.
"""

from dataclasses import asdict
from typing import Any

from lifecycle.changes.report import ChangeReport, StackChange

VERSION = 1


def report_document(report: ChangeReport) -> dict[str, Any]:
    """The report."""
    return {
        "version": VERSION,
        "project": report.project,
        "base": asdict(report.base),
        "head": asdict(report.head),
        "policies": report.policies,
        "stacks": [_stack(each) for each in report.stacks],
    }


def _stack(stack: StackChange) -> dict[str, Any]:
    document = asdict(stack)
    document["touched"] = stack.is_touched
    for each, resource in zip(document["resources"], stack.resources, strict=True):
        each["dangerous"] = resource.is_dangerous
    for each, rule in zip(document["rules"], stack.rules, strict=True):
        each["weaker"] = rule.is_weaker
    return document

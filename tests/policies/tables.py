"""Finds the tables of cases that lie beside the files of rules."""

import importlib
import pkgutil

import policies
from policies.cases import Cases, Subject


def all_cases() -> list[Cases]:
    """The cases of every file of rules, in the order of the files' names."""
    found: list[Cases] = []
    for module in pkgutil.walk_packages(policies.__path__, "policies."):
        if module.name.endswith("_cases"):
            found += importlib.import_module(module.name).CASES
    return found


def each_subject(cases: Cases, which: str) -> list[Subject]:
    """The subjects of the `passing` or `failing` cases."""
    return list(cases.passing) if which == "passing" else [subject for subject, _ in cases.failing]


CASES = all_cases()

"""The verdicts of several stacks in one SARIF document, each told apart from what the base had already. Pure.

Source: SARIF 2.1.0, section 3.27.24, `baselineState`: `new` or `unchanged`. What the base had and the head has not,
`absent`, is left out: GitHub reads no baseline, and would show what is mended as if it were there.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.verdicts import Verdicts
from cli.verdicts_files import folder_in_repository, known_rules, stack_file
from cli.verdicts_sarif import SCHEMA, sarif_text


def sarif_against(heads: Mapping[str, Verdicts], bases: Mapping[str, Verdicts], folder: Path) -> str:
    """The document: a run for each stack and policy pack.

    :param bases: By stack; one that has none is compared with nothing.
    :param folder: The project's.
    """
    runs = []
    for stack, verdicts in heads.items():
        own = _runs(verdicts, folder)
        if stack in bases:
            before = {run["automationDetails"]["id"]: run for run in _runs(bases[stack], folder)}
            for run in own:
                _mark(run, before.get(run["automationDetails"]["id"], {}))
        runs += own
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _runs(verdicts: Verdicts, folder: Path) -> list[dict[str, Any]]:
    text = sarif_text(verdicts, known_rules(), stack_file(folder, verdicts.stack), folder_in_repository(folder))
    runs: list[dict[str, Any]] = json.loads(text)["runs"]
    return runs


def _mark(run: dict[str, Any], before: Mapping[str, Any]) -> None:
    known = Counter(map(_key, before.get("results", [])))
    for result in run["results"]:
        key = _key(result)
        result["baselineState"] = "unchanged" if known[key] else "new"
        known[key] -= known[key] > 0


def _key(result: Mapping[str, Any]) -> tuple[str, ...]:
    """What a verdict has in common with the same one of the other revision: rule, resource and kind."""
    resource = str(result["partialFingerprints"]["primaryLocationLineHash"]).partition(":")[0]
    return (result["ruleId"], resource, result["kind"], result["level"], str(bool(result.get("suppressions"))))

"""Where `yard runs` finds records: on this machine, and in the models bucket of a stack that is deployed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lifecycle.runs.history import FoundRecords
    from lifecycle.runs.record import RunRecord


def find_records(project: Path, stack: str) -> "FoundRecords":
    """The records of this machine, and of the bucket of `stack` if that is one with something deployed.

    :param stack: Empty: no bucket is asked.

    What cannot be read is a problem of the answer. Raises EngineError for a stack that cannot be.
    """
    from engine.errors import EngineError
    from engine.project import check_stack_name
    from lifecycle.runs.history import FoundRecords, records_here, records_of_stack

    found = records_here(project)
    if not stack:
        return found
    check_stack_name(stack)
    try:
        return found.merged(records_of_stack(project, stack, _outputs(project, stack)))
    except EngineError as error:
        return found.merged(FoundRecords(problems=(str(error),)))


def _outputs(project: Path, stack: str) -> "Mapping[str, Any]":
    """What a stack exports, wherever its state is; empty where nothing is deployed. Raises EngineError."""
    from engine.errors import Unsupported
    from engine.stack_outputs import NothingDeployed, read_outputs
    from lifecycle.deployer import deployer_for

    try:
        return read_outputs(project, stack)
    except (NothingDeployed, Unsupported):
        # In a folder there is nothing; the Pulumi CLI knows other places.
        return deployer_for(project, stack).outputs()


def choose(records: "tuple[RunRecord, ...]", name: str) -> "RunRecord":
    """The run of that name, or the only one whose name begins so. Raises CommandError."""
    exact = [record for record in records if record.id == name]
    matching = exact or [record for record in records if name and record.id.startswith(name)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        several = ", ".join(record.id for record in matching)
        raise CommandError(f"ID is {name!r}: several runs begin so: {several}", ExitStatus.CONFIGURATION)
    known = ", ".join(record.id for record in records[-5:]) or "none"
    raise CommandError(
        f"ID is {name!r}: there is no such run; the newest are: {known}; -s STACK looks into a stack's bucket, too",
        ExitStatus.STACK_NOT_FOUND,
    )


def tell_problems(found: "FoundRecords") -> None:
    """Says on standard error which records cannot be read."""
    for problem in found.problems:
        typer.echo(f"yard: {problem}", err=True)

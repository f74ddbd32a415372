"""`yard audit`: lists what a destroyed stack has left behind, and the commands that remove it."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli import options
from cli.audit_report import report_document, show_report, status_of_report
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from lifecycle.teardown.audit import AuditReport
    from lifecycle.teardown.subject import Subject


def audit(
    stack: options.Stack = options.DEFAULT_STACK, directory: options.Directory = Path(), json: options.Json = False
) -> int:
    """Tell what a destroyed stack has left behind.

    With the commands that remove it; nothing is deleted.
    """
    from lifecycle.teardown.audit import AuditReport
    from lifecycle.teardown.state import read_state
    from lifecycle.teardown.subject import read_subject

    folder = find_project_folder(directory)
    _require_stack(folder, stack)
    subject = read_subject(folder, stack)
    resources, _ = read_state(subject)
    if resources:
        problem = (
            f"stack {stack} is still deployed, resources: {len(resources)}. What is left of it is known after "
            f"`yard destroy -s {stack}`"
        )
        if not json:
            raise CommandError(problem)
        print_json(report_document(subject, AuditReport(looked_at=(), problems=(problem,)), len(resources)))
        return ExitStatus.ERROR
    report = look(subject)
    if json:
        print_json(report_document(subject, report))
    else:
        show_report(subject, report)
    return status_of_report(report)


def audit_after_destroy(subject: "Subject") -> ExitStatus:
    """Audits a stack that has just been destroyed and tells what is left; the exit code for it."""
    report = look(subject)
    show_report(subject, report)
    return status_of_report(report)


def look(subject: "Subject") -> "AuditReport":
    """Audits, and says so on a terminal, because asking a cloud for everything takes some seconds."""
    from lifecycle.teardown.audit import audit

    if subject.cloud != "local":
        typer.echo(f"looking for what stack {subject.stack} has left in {subject.region}", err=True)
    return audit(subject)


def _require_stack(folder: Path, stack: str) -> None:
    from engine.errors import Unsupported
    from engine.file_backend import FileBackend
    from engine.project import load_project
    from engine.stack_existence import require_stack
    from engine.stack_settings import load_stack_settings
    from engine.state_location import find_state_folder

    project = load_project(folder)
    settings = load_stack_settings(project, stack)
    try:
        require_stack(settings, FileBackend(find_state_folder(project), project.name))
    except Unsupported:
        # Whether there is a state is for the Pulumi CLI to say.
        return

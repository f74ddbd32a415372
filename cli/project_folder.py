"""Where the project lies: the nearest folder with a Pulumi.yaml, from here upwards."""

from pathlib import Path

from cli.errors import CommandError
from cli.exit_status import ExitStatus

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")


def find_project_folder(start: Path) -> Path:
    """The project folder that `start` lies in. Raises CommandError where there is none."""
    if not start.is_dir():
        raise CommandError(f"--cwd is {str(start)!r}, which is not a folder", ExitStatus.CONFIGURATION)
    start = start.resolve()
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in PROJECT_FILES):
            return folder
    raise CommandError(
        f"there is no Pulumi.yaml in {start} or above it; run yard in a project folder, or name one with --cwd",
        ExitStatus.CONFIGURATION,
    )

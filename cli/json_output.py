"""How commands print JSON: the same everywhere, and nothing that JSON does not have."""

import json

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus


def print_json(document: object) -> None:
    """Prints a document. Raises CommandError where a number in it is infinite or none at all, which JSON cannot say."""
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise CommandError(
            "the answer has a number that is not finite, which JSON cannot say: what is asked for is too large or too "
            "small to be computed",
            ExitStatus.CONFIGURATION,
        ) from None
    typer.echo(text)

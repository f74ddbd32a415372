"""`yard fleet`: which GPUs to rent, where, and how."""

import typer

app = typer.Typer(help="Which gpus to rent, where, and how.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def fleet() -> None:
    """Which gpus to rent, where, and how."""

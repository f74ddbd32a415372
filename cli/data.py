"""`yard data`: where data lies and how long it travels."""

import typer

app = typer.Typer(help="Where data lies and how long it travels.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def data() -> None:
    """Where data lies and how long it travels."""

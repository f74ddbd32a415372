"""`yard prices`: the price book."""

import typer

app = typer.Typer(help="The price book.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def prices() -> None:
    """The price book."""

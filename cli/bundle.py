"""`yard bundle`: the stack's models, signed and encrypted for one machine, to be served there without a cloud."""

import typer

from cli import bundle_key, bundle_passphrase, bundle_verify, bundle_write

app = typer.Typer(
    help="The models for one machine, signed and encrypted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def bundle() -> None:
    """The models for one machine, signed and encrypted."""


app.command("key")(bundle_key.key)
app.command("passphrase")(bundle_passphrase.passphrase)
app.command("write")(bundle_write.write)
app.command("verify")(bundle_verify.verify)

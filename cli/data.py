"""`yard data`: where data lies and how long it travels."""

import typer

from cli import data_allreduce, data_assign, data_availability, data_place, data_probe, data_transfer

app = typer.Typer(help="Where data lies and how long it travels.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def data() -> None:
    """Where data lies and how long it travels."""


app.command("place")(data_place.place)
app.command("availability")(data_availability.availability)
app.command("assign")(data_assign.assign)
app.command("transfer")(data_transfer.transfer)
app.command("allreduce")(data_allreduce.allreduce)
app.command("probe")(data_probe.probe)

"""`yard train`: training jobs on this machine, SageMaker or Vertex AI, submitted and followed the same way.

`yard jobs` is about the jobs in a stack's cluster; these need no stack.
"""

import typer

from cli import train_fetch, train_follow, train_list, train_status, train_stop, train_submit

app = typer.Typer(
    help="Training jobs: on this machine, SageMaker or Vertex AI.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def train() -> None:
    """Training jobs: on this machine, SageMaker or Vertex AI."""


app.command("submit")(train_submit.submit)
app.command("list")(train_list.list_jobs)
app.command("status")(train_status.status)
app.command("follow")(train_follow.follow)
app.command("stop")(train_stop.stop)
app.command("fetch")(train_fetch.fetch)

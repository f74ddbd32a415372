"""`yard train fetch NAME DIR`: brings a finished job's artifacts, verified and decrypted."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.train_folder import Name, errors_of_jobs, job_folder


def fetch(
    name: Name,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it; made if need be.", file_okay=False)],
    directory: options.Directory = Path(),
) -> int:
    """Download what a job has published, verified and decrypted.

    Each file is verified against the manifest, and the manifest against the job that was submitted.
    """
    with errors_of_jobs():
        from trainyard_artifacts.fetch import download
        from trainyard_artifacts.storage import ObjectNotFoundError
        from workloads.training.jobs.submission import refresh

        folder = job_folder(directory, name)
        now = refresh(folder).status
        job = folder.job()
        try:
            manifest = download(job.manifest_uri, folder.origin(), target)
        except ObjectNotFoundError as error:
            raise CommandError(f"job {name} has published nothing, it is {now.state}: {error}") from None
        except OSError as error:
            problem = f"{target} cannot be written: {error.strerror or error}"
            raise CommandError(problem, ExitStatus.CONFIGURATION) from None
    for artifact in manifest.artifacts:
        typer.echo(f"{target / artifact.name}  {artifact.bytes:,} bytes  sha256 {artifact.sha256}")
    typer.echo(f"{target / 'manifest.json'}")
    return ExitStatus.SUCCESS

"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack, as in Pulumi.STACK.yaml.")]
Directory = Annotated[
    Path, typer.Option("--cwd", "-C", help="The project folder, or one below it.", file_okay=False, show_default="here")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without asking.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show every property that differs.")]
ShowSame = Annotated[bool, typer.Option("--show-sames", help="Show unchanged resources too.")]
PolicyPacks = Annotated[
    list[Path] | None,
    typer.Option("--policy-pack", help="A policy pack's folder; may be given several times.", file_okay=False),
]
PolicyConfigs = Annotated[
    list[Path] | None,
    typer.Option("--policy-pack-config", help="The configuration of each policy pack, in their order.", dir_okay=False),
]
Sarif = Annotated[
    Path | None,
    typer.Option("--sarif", metavar="FILE", help="Write the policies' verdicts as SARIF 2.1.0, for code scanning."),
]
Junit = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write the policies' verdicts as JUnit XML: each rule is a test."),
]
Parallel = Annotated[int, typer.Option("--parallel", "-p", min=1, help="How many steps may run at the same time.")]
Json = Annotated[bool, typer.Option("--json", "-j", help="Print JSON.")]
Picture = Annotated[
    Path | None, typer.Option("--picture", metavar="FILE", help="Draw it too, as .png or .svg.", dir_okay=False)
]
TokenVariable = Annotated[
    str,
    typer.Option(
        "--token-variable",
        metavar="NAME",
        help="Environment variable with a bearer token to send; a stack on this machine has its own.",
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--certificate", metavar="FILE", help="Own certificate to show (mTLS), PEM.", show_default="none"),
]
CertificateKey = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="Its private key, PEM.", show_default="none")
]
Authorities = Annotated[
    Path | None,
    typer.Option("--ca", metavar="FILE", help="Whom to trust, PEM.", show_default="the machine's authorities"),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the SDK's and the engine's own messages.")]

DEFAULT_STACK = "local"

"""Hands a stack that needs cloud plugins over to the real `pulumi` command, or says what to install."""

import shutil
import subprocess
from collections.abc import Sequence

from cli.deploying import Options
from cli.errors import CommandError
from engine.events import Finished


def needs_plugins(finished: Finished) -> bool:
    """Whether the stack has resources that only a plugin of the Pulumi CLI can deploy."""
    return bool(finished.plugins)


def hand_over(command: str, chosen: Options, *, yes: bool, plugins: Sequence[str], skip_preview: bool = False) -> int:
    """Runs `pulumi COMMAND` for the stack and returns its exit code. Raises CommandError where it is not installed."""
    names = ", ".join(plugins)
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise CommandError(
            f"stack {chosen.stack} needs the Pulumi CLI with the plugins for {names}; `yard {command}` deploys only "
            "what needs no plugin.\n"
            "Install it:  curl -fsSL https://get.pulumi.com | sh   (or: brew install pulumi/tap/pulumi)\n"
            f"Then run:    pulumi {command} --stack {chosen.stack}   in {chosen.directory}"
        )
    arguments = [pulumi, command, "--stack", chosen.stack, "--cwd", str(chosen.directory)]
    arguments += ["--parallel", str(chosen.parallel)]
    arguments += ["--yes"] if yes else []
    arguments += ["--skip-preview"] if skip_preview else []
    arguments += ["--diff"] if chosen.diff else []
    arguments += ["--show-sames"] if chosen.show_same else []
    arguments += ["--debug"] if chosen.debug else []
    arguments += ["--message", chosen.message] if chosen.message else []
    for pack in chosen.policy_packs:
        arguments += ["--policy-pack", str(pack)]
    for config in chosen.policy_configs:
        arguments += ["--policy-pack-config", str(config)]
    print(f"Stack {chosen.stack} needs plugins ({names}): handing over to {pulumi}", flush=True)
    return subprocess.run(arguments, check=False).returncode

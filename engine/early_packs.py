"""Starts policy packs before anything is known of the deployment that they are to judge.

A pack that is `standalone` is told of the stack when it is there, so it can start while the program does: its start
takes as long as that of a preview of a hundred resources.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from engine import policy_project
from engine.plugin_process import PluginProcess
from engine.policy_project import PolicyPackError

# A policy pack has no use for what opens the stack's secrets; it is handed the configuration in the clear already.
_WITHHELD_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN")


def inherited_environment() -> dict[str, str]:
    """The environment variables of this process that a policy pack gets too."""
    return {name: value for name, value in os.environ.items() if name not in _WITHHELD_VARIABLES}


class EarlyPacks:
    """Processes of policy packs, by folder; close it to end those that nobody has taken."""

    def __init__(self, directories: Iterable[Path]) -> None:
        """Starts those that can be. What is wrong with the others is told where they are launched."""
        self._processes: dict[Path, PluginProcess] = {}
        for directory in directories:
            try:
                self._start(directory)
            except (PolicyPackError, OSError):
                continue

    def take(self, directory: Path) -> PluginProcess | None:
        """The process of the pack in that folder, if it was started; the caller closes it."""
        return self._processes.pop(directory, None)

    def close(self) -> None:
        """Ends the processes that were not taken."""
        while self._processes:
            self._processes.popitem()[1].close()

    def _start(self, directory: Path) -> None:
        project = policy_project.load(directory)
        if project.standalone and directory not in self._processes:
            self._processes[directory] = PluginProcess.launch(
                project.command(project.interpreter()),
                directory=project.directory,
                environment=inherited_environment(),
            )

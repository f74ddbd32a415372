"""Helper processes: that each is gone when it has been closed, whatever it or its supervisor did."""

import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import psutil

from engine.plugin_process import PluginProcess
from tests.processes import no_process_left, wait_until_gone


def start(source: str, directory: Path, lines: list[str] | None = None) -> PluginProcess:
    return PluginProcess.start(
        [sys.executable, "-u", "-c", textwrap.dedent(source)],
        directory=directory,
        environment=os.environ,
        start_timeout_seconds=60,
        on_output=([] if lines is None else lines).append,
    )


def test_the_port_is_the_first_line_and_the_rest_is_for_the_user(tmp_path: Path) -> None:
    lines: list[str] = []
    source = "import sys; print('early', file=sys.stderr); print(4711); print('late')"
    plugin = start(source, tmp_path, lines)
    assert plugin.port == 4711
    while plugin.alive:
        time.sleep(0.01)
    plugin.close()
    assert sorted(lines) == ["early", "late"]


def test_a_process_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    source = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(4711)
        time.sleep(600)
        """
    with no_process_left():
        plugin = start(source, tmp_path)
        assert plugin.alive
        plugin.close()
        plugin.close()
    assert not plugin.alive


def test_an_orphan_of_a_killed_supervisor_is_ended_too(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    plugin = start("import time; print(4711); time.sleep(600)", tmp_path)
    [supervisor] = set(psutil.Process().children()) - before
    [command] = supervisor.children()
    supervisor.send_signal(signal.SIGKILL)
    plugin.close()
    wait_until_gone([supervisor, command])

"""Runs an unmodified Pulumi program in this process, against a monitor and an engine that are objects of it.

What the SDK's own language host does over gRPC happens here through `pulumi.runtime`: settings, configuration, the
stack resource around the program, and the wait for everything that it started.
"""

import asyncio
import json
import logging
import os
import re
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi import runtime

from engine.errors import EngineError

# Threads wait inside a registration until its step is done; only the engine limits how many steps run at once.
_MOST_WAITING = 1024
# What the SDK says of a feature that the monitor does not have; it takes the monitor for an old pulumi command.
_UNSUPPORTED_FEATURE = re.compile(r"The Pulumi CLI does not support (?:the )?(.+?)\. Please update the Pulumi CLI")


@dataclass(frozen=True, slots=True)
class Program:
    """Which program runs, for which stack."""

    directory: Path
    """The project folder, where Pulumi.yaml lies."""
    entry: Path
    """A Python file, or a folder with a `__main__.py`."""
    project: str
    stack: str
    organization: str
    dry_run: bool
    parallel: int
    config: dict[str, str] = field(default_factory=dict)
    secret_keys: list[str] = field(default_factory=list)
    unknown_keys: list[str] = field(default_factory=list)
    """Secret configuration that could not be decrypted: the program sees unknown outputs."""


class ProgramError(Exception):
    """The program failed; the text is what its author needs to see."""

    def __init__(self, text: str, *, deliberate: bool = False) -> None:
        """`deliberate`: it ended itself by `pulumi.RunError`, the way to refuse what its user has set."""
        super().__init__(text)
        self.deliberate = deliberate


def require_runnable(project_file: Path, runtime_name: str, entry: Path) -> None:
    """Raises EngineError where a project's program is not one that runs here."""
    if runtime_name != "python":
        raise EngineError(
            f"{project_file}: the runtime is {runtime_name!r}; the embedded engine runs Python programs only: "
            "use the pulumi command"
        )
    if not (entry.is_file() or (entry / "__main__.py").is_file()):
        raise EngineError(f"{entry} holds no program: there is no __main__.py")


def run(program: Program, monitor: Any, engine: Any) -> None:
    """Runs the program to its end. Raises ProgramError where it fails by itself.

    Its standard output and error are the process's. `monitor` and `engine` have the methods of the gRPC stubs.
    """
    _configure(program, monitor, engine)
    try:
        with _interruptible():
            _run(program)
    except KeyboardInterrupt:
        raise ProgramError("the program was interrupted") from None


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT, which this process otherwise ignores, interrupts what runs within."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run(program: Program) -> None:
    registrations = ThreadPoolExecutor(_MOST_WAITING, thread_name_prefix="registration")
    loop = _Loop(None if program.dry_run else registrations)
    asyncio.set_event_loop(loop)
    # Where a step fails, what waited for it is left unresolved on purpose; asyncio would complain about each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    # The file and not its folder: Python would keep a folder's main module compiled, and take that for current after
    # an edit of the same length within the same second.
    main_file = program.entry / "__main__.py" if program.entry.is_dir() else program.entry

    def main() -> None:
        runpy.run_path(str(main_file), run_name="__main__")

    try:
        loop.run_until_complete(runtime.run_in_stack(main))
    except pulumi.RunError as error:
        raise ProgramError(str(error), deliberate=True) from None
    except SystemExit as error:
        if error.code not in (None, 0):
            raise ProgramError(_exit_text(error)) from None
    except Exception as error:
        unsupported = _UNSUPPORTED_FEATURE.search(str(error))
        if unsupported:
            raise ProgramError(
                f"the program uses {unsupported[1]}, which the embedded engine does not support; use the pulumi command"
            ) from None
        raise ProgramError(_user_traceback(error, program.directory)) from None
    finally:
        # The SDK gives up at the first failure, while other steps are still running.
        registrations.shutdown(cancel_futures=True)


def _configure(program: Program, monitor: Any, engine: Any) -> None:
    entry_directory = program.entry if program.entry.is_dir() else program.entry.parent
    os.chdir(program.directory)
    sys.path.insert(0, str(entry_directory))
    sys.argv = [str(program.entry)]
    os.environ["PULUMI_CONFIG"] = json.dumps(program.config)
    os.environ["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(program.secret_keys)
    runtime.set_all_config(program.config, program.secret_keys)
    if program.unknown_keys:
        _make_unknown(frozenset(program.unknown_keys))
    runtime.configure(
        runtime.Settings(
            project=program.project,
            stack=program.stack,
            organization=program.organization,
            root_directory=str(program.directory),
            monitor=monitor,
            engine=engine,
            dry_run=program.dry_run,
            parallel=program.parallel,
        )
    )


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that runs the SDK's own calls in threads apart from the program's, or, in a preview, at once.

    Nothing blocks in a preview, and without the change of threads it is faster and its order is the program's.
    """

    def __init__(self, registrations: ThreadPoolExecutor | None) -> None:
        """`registrations` holds the threads for the SDK's calls; None: they are answered at once."""
        super().__init__()
        self._registrations = registrations

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        if executor is not None or not getattr(func, "__module__", "").startswith("pulumi.runtime"):
            return super().run_in_executor(executor, func, *args)
        if self._registrations is not None:
            return super().run_in_executor(self._registrations, func, *args)
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def _make_unknown(keys: frozenset[str]) -> None:
    """Lets `pulumi.Config` give unknown secret outputs for `keys`, whose values could not be decrypted."""
    for kind in ("", "_bool", "_int", "_float", "_object"):
        for verb in ("get", "require"):
            name = f"{verb}_secret{kind}"
            original = getattr(pulumi.Config, name)
            setattr(pulumi.Config, name, _unknown_for(keys, original))


def _unknown_for(keys: Iterable[str], original: Callable[..., Any]) -> Callable[..., Any]:
    def read(self: pulumi.Config, key: str, *args: Any, **options: Any) -> Any:
        if self.full_key(key) not in keys:
            return original(self, key, *args, **options)
        value: asyncio.Future[Any] = asyncio.Future()
        known: asyncio.Future[bool] = asyncio.Future()
        secret: asyncio.Future[bool] = asyncio.Future()
        value.set_result(None)
        known.set_result(False)
        secret.set_result(True)
        return pulumi.Output(set(), value, known, secret)

    return read


def _exit_text(error: SystemExit) -> str:
    return error.code if isinstance(error.code, str) else f"the program ended with exit status {error.code}"


def _user_traceback(error: Exception, directory: Path) -> str:
    """The traceback from the first frame that lies in the project: what comes before is ours and the SDK's."""
    shown = traceback.TracebackException.from_exception(error)
    frames = list(shown.stack)
    first = next((index for index, frame in enumerate(frames) if _is_users(Path(frame.filename), directory)), None)
    if first is None and isinstance(error, SyntaxError):
        frames = []
    shown.stack = traceback.StackSummary.from_list(frames[first or 0 :])
    return "the program failed with an unhandled exception:\n" + "".join(shown.format()).rstrip()


def _is_users(file: Path, directory: Path) -> bool:
    engine = Path(__file__).parent
    return file.is_relative_to(directory) and not file.is_relative_to(engine) and "site-packages" not in file.parts

"""How the process of a deployment ends: as any Python process, as far as a program can tell."""

from pathlib import Path

from engine.events import Diagnostic, Event
from engine.session import Request, run

PROGRAM = """
import atexit, threading, time
import pulumi

atexit.register(lambda: print("first handler", flush=True))
atexit.register(lambda: open("order", "a").write("handler\\n"))
kept = open("left_open", "w")
kept.write("not written out yet")
binary = open("left_open_too", "wb")
binary.write(b"nor is this")

def keep():
    # A cycle, so that only the collector would find the files.
    return kept, binary, keep

def later():
    time.sleep(0.3)
    with open("order", "a") as order:
        order.write("thread\\n")
    print("the thread is done")

threading.Thread(target=later).start()
pulumi.ComponentResource("shop:index:Thing", "thing", None)
print("no newline at the end", end="")
"""


def preview(folder: Path, program: str) -> tuple[str, list[str]]:
    """The outcome, and what was printed."""
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text(program)
    said: list[str] = []

    def show(event: Event) -> None:
        if isinstance(event, Diagnostic):
            said.append(event.message)

    finished = run(Request(action="update", dry_run=True, directory=folder, stack="dev"), show)
    return finished.outcome, said


def test_threads_handlers_and_open_files_of_a_program_come_to_their_end(tmp_path: Path) -> None:
    outcome, said = preview(tmp_path, PROGRAM)
    assert outcome == "succeeded"
    assert (tmp_path / "order").read_text() == "thread\nhandler\n"
    assert (tmp_path / "left_open").read_text() == "not written out yet"
    assert (tmp_path / "left_open_too").read_bytes() == b"nor is this"
    assert sorted(said) == sorted(["no newline at the endthe thread is done", "first handler"])


def test_a_handler_that_raises_is_heard(tmp_path: Path) -> None:
    outcome, said = preview(tmp_path, "import atexit\natexit.register(lambda: 1 / 0)\n")
    assert outcome == "succeeded"
    assert said[-1] == "ZeroDivisionError: division by zero"

"""The report on a change of a prepared repository: what it says, what it needs, and what it leaves behind.

TRAINYARD_WRITE_GOLDEN=1 writes the comment anew.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.lifecycle.changes.repository import PROGRAM, commit, git, make_repository, write

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).parent / "golden" / "comment.md"
YARD = (sys.executable, str(ROOT / "scripts" / "yard.py"))
COMMENT = ("preview", "--base", "main", "--policy-pack", "policies", "--markdown")
SECONDS = 120.0

# Brings up the loopback interface of a network that has no other, and becomes the command; numbers: <linux/sockios.h>.
LOOPBACK_ONLY = """
    import fcntl, os, socket, struct, sys

    fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))
    os.execvp(sys.argv[1], sys.argv[1:])
    """

pytestmark = pytest.mark.xdist_group("change report")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("prepared") / "repository")


def yard(
    *arguments: str, cwd: Path, variables: Mapping[str, str] | None = None, before: tuple[str, ...] = ()
) -> tuple[int, str, str]:
    """Runs `yard`; returns its exit code and what it printed."""
    done = subprocess.run(
        [*before, *YARD, *arguments],
        cwd=cwd,
        env=dict(os.environ if variables is None else variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def network_off() -> tuple[str, ...]:
    """What a command is run by in a network of its own that reaches nothing; empty where the system allows none."""
    command = ("unshare", "-rn", sys.executable, "-c", textwrap.dedent(LOOPBACK_ONLY))
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        return ()
    return command if tried.returncode == 0 else ()


def test_the_comment_reads_as_the_golden_file_and_a_fork_gets_the_same_bytes(project: Path, tmp_path: Path) -> None:
    """As a fork's pull request: an empty home, no variable, no credential and no network, in another clone.

    Where the system allows no network of its own (`unshare -rn`), proxies lead to a closed port instead.
    """
    code, comment, errors = yard(*COMMENT, cwd=project)
    assert code == 5, errors
    assert errors == "yard: the change violates mandatory policies: few-gateways\n"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(comment)
    assert comment == GOLDEN.read_text()

    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "--quiet", str(project.parent), str(clone))
    git(clone, "branch", "--quiet", "main", "origin/main")
    (clone / "deploy" / "policies" / ".venv").symlink_to((project / "policies" / ".venv").readlink())
    home = tmp_path / "home"
    home.mkdir()
    closed = dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    fork = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_TERMINAL_PROMPT": "0", **closed}
    code, of_fork, errors = yard(*COMMENT, cwd=clone / "deploy", variables=fork, before=network_off())
    assert (code, of_fork) == (5, comment), errors
    assert list(home.iterdir()) == []


def test_every_stack_of_either_revision_is_told_of_whatever_became_of_it(tmp_path: Path) -> None:
    """Also: a working tree that is not committed, a base that has gone on, secrets, and nothing of git's that runs."""
    repository = make_repository(tmp_path / "repository").parent
    settings = "config: {}\n"
    git(repository, "switch", "--quiet", "main")
    stacks = {f"deploy/Pulumi.{name}.yaml": settings for name in ("gone", "mended", "broken")}
    failing = 'import pulumi, thing\nif pulumi.get_stack() == "NAME":\n    raise ValueError("never | mind")\n'
    failing += 'pulumi.export("thing", thing.SIZE)\n'
    stacks["packages/thing.py"] = "SIZE = 1\n"
    commit(repository, stacks | {"deploy/__main__.py": failing.replace("NAME", "mended")}, "Base")
    base = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "switch", "--quiet", "--create", "later")
    git(repository, "rm", "--quiet", "deploy/Pulumi.gone.yaml")
    commit(repository, {"deploy/Pulumi.new.yaml": settings}, "Head")
    git(repository, "switch", "--quiet", "main")
    commit(repository, {"deploy/Pulumi.after.yaml": settings}, "The base goes on")
    git(repository, "switch", "--quiet", "later")
    write(repository, {"deploy/__main__.py": failing.replace("NAME", "broken"), "packages/thing.py": "SIZE = 2\n"})
    ran = tmp_path / "ran"
    for hook in ("post-checkout", "post-index-change", "fsmonitor-watchman"):
        path = repository / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {ran}\n")
        path.chmod(0o755)
    for filter_ in ("smudge", "clean"):
        git(repository, "config", f"filter.planted.{filter_}", f"touch {ran}; cat")
    git(repository, "config", "filter.planted.required", "true")
    git(repository, "config", "core.fsmonitor", str(repository / ".git" / "hooks" / "fsmonitor-watchman"))
    before = (repository / ".git" / "index").read_bytes(), git(repository, "worktree", "list")

    # As an editable installation has it: packages of the repository on Python's path.
    path = os.pathsep.join([str(repository / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = os.environ | {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "PYTHONPATH": path}
    code, out, errors = yard("preview", "--base", "main", "--json", cwd=repository / "deploy", variables=variables)
    assert code == 1, errors
    report = json.loads(out)
    assert (report["base"]["commit"], report["head"]["modified"]) == (base, True)
    stacks_by_name: dict[str, Any] = {each["stack"]: each for each in report["stacks"]}
    assert sorted(stacks_by_name) == ["broken", "dev", "gone", "mended", "new"], "`after` is no part of this change"
    assert "ValueError: never | mind" in stacks_by_name["broken"]["head_problem"]
    assert stacks_by_name["broken"]["head_problem"] in errors
    assert "ValueError: never | mind" in stacks_by_name["mended"]["base_problem"]
    assert str(tmp_path) not in json.dumps(stacks_by_name["mended"]), "where it was looked at says nothing to anybody"
    assert (stacks_by_name["gone"]["is_gone"], stacks_by_name["new"]["is_new"]) == (True, True)
    assert [each["operation"] for each in stacks_by_name["gone"]["resources"]] == ["delete"]
    [stack] = stacks_by_name["dev"]["resources"]
    [found] = stack["properties"]
    assert (found["path"], found["before"], found["after"]) == ("outputs.thing", 1, 2), "each has packages of its own"
    assert not ran.exists(), "a hook or a filter ran"
    assert ((repository / ".git" / "index").read_bytes(), git(repository, "worktree", "list")) == before


def test_a_killed_run_leaves_nothing_that_the_next_one_does_not_remove(project: Path, tmp_path: Path) -> None:
    program = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)\n"
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch", "main")
    files = {"Pulumi.yaml": "name: shop\nruntime: python\n", "Pulumi.dev.yaml": "config: {}\n", "__main__.py": program}
    commit(repository, files, "First")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    variables = os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen(
        [*YARD, "preview", "--base", "main"], cwd=repository, env=variables, start_new_session=True
    )
    try:
        wait_for(lambda: len([*temporary.glob("*/files/started"), *repository.glob("started")]) == 2)
        below = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(below) >= 2
    assert psutil.wait_procs(below, timeout=SECONDS)[1] == []
    assert [each.name for each in temporary.iterdir() if (each / "files").is_dir()], "it was killed in the middle"
    assert git(repository, "worktree", "list").count("\n") == 1
    assert git(repository, "status", "--porcelain") == "?? started\n"

    (repository / "started").unlink()
    (repository / "__main__.py").write_text("import pulumi\n")
    commit(repository, {}, "Second")
    code, out, errors = yard("preview", "--base", "main", cwd=repository, variables=variables)
    assert code == 0, errors
    assert "dev: nothing changes" in out
    assert list(temporary.iterdir()) == []


def test_a_folder_that_another_run_works_in_stays(project: Path) -> None:
    from lifecycle.changes.workspace import PREFIX, temporary_folder

    theirs = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (theirs / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with temporary_folder() as ours:
                assert theirs.is_dir()
                assert ours.is_dir()
            assert not ours.exists()
        with temporary_folder():
            assert not theirs.exists(), "its process has ended"
    finally:
        shutil.rmtree(theirs, ignore_errors=True)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("nowhere", "--base is 'nowhere': git knows no such commit in .*; git fetch may bring it; it can be a branch"),
        ("--help", "--base is '--help': git knows no such commit"),
        ("orphan", "--base is 'orphan': it has no commit in common with HEAD"),
    ],
)
def test_a_base_that_is_none_is_refused(base: str, message: str, project: Path) -> None:
    from lifecycle.changes.errors import ChangeReportError
    from lifecycle.changes.revisions import resolve

    tree = git(project, "rev-parse", "HEAD^{tree}").strip()
    git(project, "branch", "--force", "orphan", git(project, "commit-tree", tree, "-m", "Apart").strip())
    with pytest.raises(ChangeReportError, match=re.sub(r"([()'])", r"[\1]", message)):
        resolve(project.parent, base, project)


def test_a_shallow_clone_is_told_how_to_get_the_base(project: Path, tmp_path: Path) -> None:
    from lifecycle.changes.errors import ChangeReportError
    from lifecycle.changes.revisions import resolve

    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "change", project.parent.as_uri(), "clone")
    with pytest.raises(ChangeReportError, match=r"the clone is shallow: git fetch --unshallow, or .* fetch-depth: 0"):
        resolve(tmp_path / "clone", "origin/main", tmp_path / "clone")


def test_a_base_without_the_project_has_every_stack_new(project: Path, tmp_path: Path) -> None:
    from lifecycle.changes.making import Asked, make_report
    from lifecycle.changes.verdicts import Judgement
    from planning.prices.book import load_book

    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch", "main")
    commit(repository, {"README.md": "Nothing yet.\n"}, "First")
    files = {"Pulumi.yaml": "name: shop\nruntime: python\n", "__main__.py": PROGRAM}
    names = {"infra/sizes.py": "GATEWAYS = 1\n", "planning/names.py": "BUCKET = 'b'\nTAGS = {}\n"}
    names |= {
        "infra/__init__.py": "",
        "planning/__init__.py": "",
        "Pulumi.dev.yaml": "config: {aws:region: eu-west-1}\n",
    }
    commit(repository, files | names, "Second")
    asked = Asked(folder=repository, base="HEAD~1")
    [stack] = make_report(asked, judge=lambda _: Judgement(), book=load_book).report.stacks
    assert (stack.is_new, stack.head_problem, stack.same) == (True, "", 0)
    assert {each.operation for each in stack.resources} == {"create"}
    assert stack.cost is not None
    assert stack.cost.before_usd_per_month == 0
    assert stack.cost.after_usd_per_month > 30


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)

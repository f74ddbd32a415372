"""Building the control plane: once for everybody, whole or not at all, and with a reason where it cannot be done.

`go` is a script here, which writes what the real one would, except where the real one is to refuse code.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.controlplane import build
from tests.controlplane.build import PROGRAMS, Build, BuildFailed, cache_folder, find_or_build, unavailable
from tests.controlplane.crds import CRD_GROUPS, CRD_SOURCES

ROOT = Path(__file__).resolve().parents[2]

FAKE_GO = """\
#!{python}
import json, os, pathlib, sys
arguments, folder = sys.argv[1:], pathlib.Path({folder!r})
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
if arguments[0] == "env":
    print("go1.99.0\\nplan9\\nmips")
elif arguments[0] == "mod":
    module, _, version = arguments[-1].partition("@")
    checksums = json.loads((folder / "checksums.json").read_text())
    print(json.dumps({{"Dir": str(folder / "modules" / module), "Sum": checksums.get(module, "")}}))
else:
    print("some/package\\nother/package", file=sys.stderr)
    output = pathlib.Path(arguments[arguments.index("-o") + 1])
    if os.environ.get("FAKE_GO_FAILS") == output.name:
        sys.exit("# some/package\\nmain.go:1:1: undefined: nonsense")
    output.write_text("program")
"""


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a `go` on PATH, which notes its calls in the file `calls`, and an empty cache."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO.format(python=sys.executable, folder=str(tmp_path)))
    go.chmod(0o755)
    files = [(source.module, name) for source in CRD_SOURCES for name in source.files]
    files += [("sigs.k8s.io/kueue", "config/components/webhook/manifests.yaml")]
    files += [("sigs.k8s.io/kwok", name) for name in build.KWOK_STAGES]
    for module, name in files:
        file = tmp_path / "modules" / module / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n")
    (tmp_path / "checksums.json").write_text(json.dumps({each.module: each.checksum for each in CRD_SOURCES}))
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_without_go_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert unavailable() == (
        "the control plane of the tests is built with Go, and there is no `go` on PATH (https://go.dev/dl/)"
    )


def test_a_go_that_cannot_build_it_is_a_reason(fake_go: Path) -> None:
    (fake_go / "bin" / "go").write_text(
        "#!/bin/sh\necho 'go.mod requires go >= 1.26.0 (running go 1.20)' >&2\nexit 1\n"
    )
    assert "go.mod requires go >= 1.26.0 (running go 1.20)" in str(unavailable())


def test_it_is_built_once_and_complete(fake_go: Path) -> None:
    assert unavailable() is None
    told: list[str] = []
    first = find_or_build(told.append)
    calls = (fake_go / "calls").read_text().count("build -v")
    assert find_or_build() == first
    assert (fake_go / "calls").read_text().count("build -v") == calls == 2
    assert first.folder.parent == cache_folder() == fake_go / "cache" / "trainyard"
    assert all(Path(first.program(name)).read_text() == "program" for name in (*PROGRAMS, "kueue"))
    assert all(first.crds(group) for group in CRD_GROUPS)
    assert "Building a Kubernetes v1" in told[0]
    assert "Built the control plane in" in told[-1]
    with pytest.raises(KeyError, match="no custom resource definitions 'unicorns'; there are: kueue, karpenter"):
        first.crds("unicorns")


def test_several_processes_at_once_build_it_once(fake_go: Path) -> None:
    source = "from tests.controlplane.build import find_or_build; print(find_or_build().folder)"
    ask = [sys.executable, "-c", source]
    processes = [subprocess.Popen(ask, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    folders = {process.communicate()[0].strip() for process in processes}
    assert (fake_go / "calls").read_text().count("build -v") == 2
    assert len(folders) == 1


def test_other_pins_are_another_build(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = fake_go / "module"
    module.mkdir()
    for name in ("go.mod", "go.sum", "main.go"):
        shutil.copyfile(build.MODULE / name, module / name)
    monkeypatch.setattr(build, "MODULE", module)
    first = find_or_build()
    with (module / "go.mod").open("a") as file:
        file.write("// newer\n")
    assert find_or_build() != first


def test_a_failed_build_says_what_the_compiler_said_and_leaves_nothing(
    fake_go: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_FAILS", "kueue")
    with pytest.raises(BuildFailed, match=r"(?s)go build .*exit code 1:.*main\.go:1:1: undefined: nonsense"):
        find_or_build()
    assert list(cache_folder().glob("controlplane-*")) == []
    monkeypatch.delenv("FAKE_GO_FAILS")
    assert isinstance(find_or_build(), Build)


def test_a_module_that_is_not_the_pinned_one_is_refused(fake_go: Path) -> None:
    (fake_go / "checksums.json").write_text("{}")
    with pytest.raises(BuildFailed, match=r"karpenter-provider-aws@v\S+ has the checksum , not h1:"):
        find_or_build()


def test_what_a_killed_build_left_is_removed(fake_go: Path) -> None:
    left = cache_folder() / "controlplane-0123456789abcdef.partial-x"
    (left / "bin").mkdir(parents=True)
    find_or_build()
    assert not left.exists()


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no `go` on PATH")
def test_the_real_go_refuses_code_that_does_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Go's own cache lies there too, but not for what has been compiled before.
    cache = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setenv("GOCACHE", cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "go.mod").write_text("module example.com/broken\n\ngo 1.20\n")
    (tmp_path / "go.sum").write_text("")
    (tmp_path / "main.go").write_text(
        textwrap.dedent(
            """\
            package main

            func main() { nonsense() }
            """
        )
    )
    monkeypatch.setattr(build, "MODULE", tmp_path)
    with pytest.raises(BuildFailed, match=r"main\.go:3:15: undefined: nonsense"):
        find_or_build()

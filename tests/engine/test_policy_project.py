"""PulumiPolicy.yaml: what is read, and one line for whatever is wrong with it."""

from pathlib import Path

import pytest

from engine.policy_project import PolicyPackError, load


def write(directory: Path, text: str) -> Path:
    (directory / "PulumiPolicy.yaml").write_text(text)
    (directory / "__main__.py").touch()
    return directory


def test_runtime_version_and_environment_are_read(tmp_path: Path) -> None:
    text = "description: Rules\nversion: 0.3.0\nruntime:\n  name: python\n  options:\n    virtualenv: env\n"
    project = load(write(tmp_path, text))
    assert (project.version, project.description, project.virtualenv) == ("0.3.0", "Rules", tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    assert project.interpreter() == str(python)


def test_a_pack_is_taken_to_remediate_and_to_need_the_sdk_unless_it_says_otherwise(tmp_path: Path) -> None:
    project = load(write(tmp_path, "runtime: python\n"))
    assert (project.remediates, project.standalone) == (True, False)
    assert project.command("python")[-3:] == ["pulumi.policy", "", str(tmp_path)]
    project = load(write(tmp_path, "runtime: python\nremediates: false\nstandalone: true\n"))
    assert (project.remediates, project.standalone) == (False, True)
    assert project.command("python") == ["python", "-u", str(tmp_path / "__main__.py")]


def test_without_an_environment_the_python_on_path_runs_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = load(write(tmp_path, "runtime: python\n"))
    assert project.interpreter().endswith("python3")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PolicyPackError, match="there is no python3 on PATH"):
        project.interpreter()


def test_a_missing_environment_says_which_command_makes_it(tmp_path: Path) -> None:
    project = load(write(tmp_path, "runtime: {name: python, options: {virtualenv: .venv}}\n"))
    with pytest.raises(PolicyPackError) as raised:
        project.interpreter()
    assert str(raised.value) == (
        f"policy pack {tmp_path}: its virtual environment {tmp_path}/.venv is missing; make it with: "
        f"python3 -m venv {tmp_path}/.venv && {tmp_path}/.venv/bin/python -m pip install -r {tmp_path}/requirements.txt"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "runtime: nodejs\n",
            "PulumiPolicy.yaml: runtime: 'nodejs' is not supported here; policy packs in 'python' are",
        ),
        ("runtime: {name: [opa]}\n", "PulumiPolicy.yaml: runtime: expected 'python', or a mapping with the key 'name'"),
        ("version: 1\n", "PulumiPolicy.yaml: runtime: expected 'python', or a mapping with the key 'name'"),
        ("- runtime\n", "PulumiPolicy.yaml: expected a mapping with the key 'runtime'"),
        ("runtime: {name: python, options: [a]}\n", "PulumiPolicy.yaml: runtime.options: expected a mapping"),
        (
            "runtime: {name: python, options: {virtualenv: 3}}\n",
            "PulumiPolicy.yaml: runtime.options.virtualenv: expected a folder, found 3",
        ),
        (
            "runtime: python\nremediates: never\n",
            "PulumiPolicy.yaml: remediates: expected true or false, found 'never'",
        ),
        ("runtime: python\nstandalone: 1\n", "PulumiPolicy.yaml: standalone: expected true or false, found 1"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PolicyPackError) as raised:
        load(write(tmp_path, text))
    assert str(raised.value) == f"policy pack {tmp_path}: {message}"


def test_broken_yaml_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyPackError, match=r"PulumiPolicy\.yaml: not YAML: ") as raised:
        load(write(tmp_path, "runtime: {\n"))
    assert "\n" not in str(raised.value)


def test_a_folder_without_a_pack(tmp_path: Path) -> None:
    with pytest.raises(PolicyPackError, match=r"there is no PulumiPolicy\.yaml in it"):
        load(tmp_path / "none")
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: python\n")
    with pytest.raises(PolicyPackError, match=r"there is no __main__\.py in it"):
        load(tmp_path)

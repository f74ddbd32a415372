"""What a preview's process is given: the packages of its own revision, and nothing that is secret."""

from pathlib import Path

from lifecycle.changes import process


def test_a_preview_gets_no_token_and_no_home() -> None:
    given = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "HOME": "/home/me",
        "GITHUB_TOKEN": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "SSH_AUTH_SOCK": "/run/x",
        "PYTHONPATH": "/mine",
    }
    found = process.environment(Path("/empty"), ["/base/packages"], given)
    assert "x" not in found.values()
    assert "SSH_AUTH_SOCK" not in found
    assert (found["HOME"], found["PATH"], found["LC_ALL"]) == ("/empty", "/bin", "C")
    assert found["PYTHONPATH"] == "/base/packages:/mine"


def test_packages_that_are_installed_from_the_project_are_the_bases_own() -> None:
    path = [
        "/work",
        "/work/workloads/training/image/src",
        "/work/.venv/lib/python3.11/site-packages",
        "/usr/lib/python3.11",
        "/other/src",
        "",
    ]
    assert process.installed_below(Path("/work"), Path("/base"), path) == ["/base/workloads/training/image/src"]

"""The files that planning's commands read and draw: the same rules in all of them."""

import json
from pathlib import Path

import pytest

from tests.cli.yard import ROOT, yard


def test_pictures_are_announced_beside_the_json_and_not_in_it(tmp_path: Path) -> None:
    picture = f"{tmp_path}/a.SVG"
    bandwidths = ("--gpu-gbps", "2400", "--node-gbps", "400")
    asked = ("data", "allreduce", "--type", "p4d.24xlarge", *bandwidths, "--step-seconds", "1")
    result = yard(*asked, "--picture", picture, "--json", cwd=ROOT)
    assert (result.code, result.err) == (0, f"Drawn in {picture}\n")
    assert json.loads(result.out)["type"] == "p4d.24xlarge"
    shown = yard(*asked, "--picture", picture, cwd=ROOT)
    assert shown.out.endswith(f"Drawn in {picture}\n")
    assert shown.err == ""


@pytest.mark.parametrize(
    "command",
    [
        "data place --file",
        "fleet --work",
        "compare --weights",
        "fleet schedule",
        "data transfer --from aws:us-east-1 --to aws:us-east-1 --gb 1 --measured",
    ],
)
@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: !!int x", "a: ["])
def test_a_broken_file_is_told_by_every_command_that_reads_one(command: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    result = yard(*command.split(), str(file), cwd=ROOT)
    assert result.code == 2
    assert result.out == ""
    assert f" = '{file}', line " in result.err
    assert "must be a file of YAML 1.2 or JSON" in result.err

"""JSON that commands print: what every reader of JSON understands."""

import math

import pytest

from cli.errors import CommandError
from cli.json_output import print_json


def test_a_document_is_printed_for_people_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Zürich", "hours": [1.5, None]})
    assert capsys.readouterr().out == '{\n  "name": "Zürich",\n  "hours": [\n    1.5,\n    null\n  ]\n}\n'


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_what_is_no_json_is_never_printed(number: float, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="has a number that is not finite"):
        print_json({"deep": [{"hours": number}]})
    assert capsys.readouterr().out == ""

"""The benchmark of envelope encryption: what it makes of OpenSSL's output, and a tiny run of it."""

import shutil
from pathlib import Path

import pytest

from bench import encryption
from bench.errors import BenchError

OUTPUT = """\
+DT:AES-256-GCM:1:16384
+R:267003:AES-256-GCM:1.000000
+H:16384
+F:25:AES-256-GCM:4374577152.00
"""


def test_the_speed_is_read_from_openssls_output() -> None:
    assert encryption.parse_speed(OUTPUT) == 4374577152.0


@pytest.mark.parametrize("output", ["", "+F:25:AES-256-GCM:fast\n", "+F:25:AES-256-GCM:0\n", OUTPUT + OUTPUT])
def test_an_output_without_a_speed_is_an_error_that_shows_it(output: str) -> None:
    with pytest.raises(BenchError) as caught:
        encryption.parse_speed(output)
    assert str(caught.value) == f"openssl speed does not say how fast it is; it printed:\n{output}"


def test_without_openssl_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert encryption.missing() == "openssl is not on PATH"
    with pytest.raises(BenchError, match="openssl is not on PATH"):
        encryption.measure_encryption(tmp_path, lambda _: None)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on PATH")
def test_a_tiny_run_gives_every_result(tmp_path: Path) -> None:
    told: list[str] = []
    results = encryption.measure_encryption(tmp_path, told.append, sizes=(1, 2), turns=1)
    assert [each.name for each in results] == [
        f"encryption/{what}/{size}-mib{suffix}"
        for suffix in ("", "/fresh")
        for size in (1, 2)
        for what in ("encrypt", "decrypt")
    ]
    assert all(each.value > 0 and each.unit == "ms" and each.compared_with for each in results)
    assert [each.met is None for each in results] == [False] * 4 + [True] * 4
    compared = [each.compared_with.value for each in results if each.compared_with]
    assert compared[2] == pytest.approx(2 * compared[0])
    assert len(told) == encryption.steps(1)

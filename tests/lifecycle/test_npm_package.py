"""What npm brings for tests: only what its digest names is unpacked, once, and nothing half."""

import base64
import hashlib
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.lifecycle import npm_package
from tests.lifecycle.npm_package import NotToBeHadError, Package, kept, member


def tarball(text: str) -> bytes:
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as package:
        info = tarfile.TarInfo("package/index.js")
        info.size = len(text)
        package.addfile(info, BytesIO(text.encode()))
    return content.getvalue()


def package_of(content: bytes) -> Package:
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return Package("sample", "1.0.0", f"sha512-{digest}")


def write_index(content: bytes, folder: Path) -> None:
    (folder / "index.js").write_bytes(member(content, "index.js"))


def test_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tarball("first")
    answers = iter([content])
    monkeypatch.setattr(npm_package, "downloaded", lambda *_: next(answers))

    folders = [kept(package_of(content), tmp_path, write_index) for _ in range(2)]

    assert folders == [tmp_path / "1.0.0"] * 2
    assert (folders[0] / "index.js").read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.0.0", "lock"]


def test_another_tarball_is_refused_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = package_of(tarball("first"))
    monkeypatch.setattr(npm_package, "downloaded", lambda *_: tarball("other"))

    with pytest.raises(NotToBeHadError, match=r"sample@1\.0\.0 is sha512-.*, and should be sha512-"):
        kept(package, tmp_path, write_index)

    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_without_npm_its_absence_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotToBeHadError, match=r"no npm on PATH to bring sample@1\.0\.0"):
        kept(package_of(b""), tmp_path / "cache", write_index)

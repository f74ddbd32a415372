"""What is told of secret settings: which are encrypted anew, and nothing of what they are."""

from pathlib import Path

from lifecycle.changes.secret_settings import reencrypted

FILE = """
encryptionsalt: v1:SALT
config:
  aws:region: eu-west-1
  shop:password: {secure: v1:PASSWORD}
  shop:plain: {secure: true}
  shop:users:
    - name: a
      key: {secure: v1:KEY}
"""


def test_only_what_is_encrypted_anew_is_told(tmp_path: Path) -> None:
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(FILE)
    after.write_text(FILE.replace("KEY", "OTHER") + "  shop:new: {secure: v1:NEW}\n")
    assert reencrypted(before, after) == ["shop:users[0].key"]
    assert reencrypted(before, before) == []


def test_a_file_that_is_none_has_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "before.yaml"
    file.write_text(FILE)
    for content in ("", "[]", "config: []", "config: {a: {secure: 1}}", "a: b: c"):
        (tmp_path / "other.yaml").write_text(content)
        assert reencrypted(file, tmp_path / "other.yaml") == []
    assert reencrypted(tmp_path / "missing.yaml", file) == []

"""One stack reads the outputs of another."""

from pathlib import Path

import pytest

from tests.engine.programs import PASSPHRASE, Project

REFERRING = """
other = pulumi.StackReference("organization/maker/dev")
pulumi.export("plain", other.require_output("plain"))
pulumi.export("secret", other.get_output("secret"))
pulumi.export("nested", other.require_output("nested"))
pulumi.export("partly", other.require_output("partly"))
pulumi.export("deep", other.require_output("partly").apply(lambda partly: partly["list"][1]["a"]))
pulumi.export("missing", other.get_output("missing"))
"""


def test_the_outputs_of_another_stack_arrive_and_its_secrets_stay_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    maker = Project(tmp_path / "maker", name="maker").write(
        """
        pulumi.export("plain", 1)
        pulumi.export("secret", pulumi.Output.secret("hunter2"))
        pulumi.export("nested", {"list": [1, {"a": 2}]})
        pulumi.export("partly", {"list": [1, {"a": pulumi.Output.secret("swordfish")}]})
        """,
        things=False,
    )
    assert maker.up().errors == []
    reader = Project(tmp_path / "reader", name="reader").write(REFERRING, things=False)
    run = reader.preview()
    assert run.errors == []
    first = reader.up()
    assert first.errors == []
    assert first.finished.outputs == {
        "plain": 1, "secret": "[secret]", "nested": {"list": [1, {"a": 2}]}, "partly": "[secret]", "deep": "[secret]"
    }  # fmt: skip
    assert first.changes == run.changes == {"create": 1}
    state = (tmp_path / ".pulumi" / "stacks" / "reader" / "dev.json").read_text()
    assert "hunter2" not in state
    assert "swordfish" not in state + repr(first.events) + repr(run.events)
    assert '"external":true' in state
    # A new output of the one is seen by the other at once.
    (tmp_path / "maker" / "__main__.py").write_text("import pulumi\npulumi.export('plain', 2)")
    maker.up()
    main = tmp_path / "reader" / "__main__.py"
    for name in ("nested", "partly"):
        main.write_text(main.read_text().replace(f'other.require_output("{name}")', "pulumi.Output.from_input(2)"))
    main.write_text(main.read_text().replace('["list"][1]["a"]', ""))
    assert reader.up().finished.outputs["plain"] == 2
    main.write_text(main.read_text().replace("organization/maker/dev", "organization/maker/nowhere"))
    (message,) = reader.preview().errors
    assert "'organization/maker/nowhere', which does not exist" in message

"""Policy packs that are started before the deployment is known."""

from pathlib import Path

from engine.early_packs import EarlyPacks
from tests.engine.policy_packs import ROOT, policy_python, write_pack
from tests.processes import no_process_left

PACK = f"""
    import sys
    sys.path.insert(0, {str(ROOT)!r})
    from policies.quick_imports import import_protocol
    import_protocol()
    from policies.server import serve
    serve("early", [], prepare=dict)
    """


def early(folder: Path, *, standalone: bool) -> Path:
    pack = write_pack(folder, PACK)
    environment = Path(policy_python()).parent.parent
    (pack / "PulumiPolicy.yaml").write_text(
        f"runtime: {{name: python, options: {{virtualenv: {environment}}}}}\nstandalone: {str(standalone).lower()}\n"
    )
    return pack


def test_only_a_standalone_pack_is_started_and_only_once(tmp_path: Path) -> None:
    alone, told = early(tmp_path / "alone", standalone=True), early(tmp_path / "told", standalone=False)
    with no_process_left():
        packs = EarlyPacks([alone, told, alone, tmp_path / "nowhere"])
        process = packs.take(alone)
        assert process is not None
        assert packs.take(alone) is None
        assert packs.take(told) is None
        process.wait_for_port(60, lambda _: None)
        assert process.port > 0
        process.close()


def test_what_nobody_takes_is_ended(tmp_path: Path) -> None:
    with no_process_left():
        packs = EarlyPacks([early(tmp_path / "alone", standalone=True)])
        packs.close()
        packs.close()

"""Policy packs as analyzers: real packs in real processes, asked as a deployment asks them."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pulumi.runtime.proto.analyzer_pb2 import AnalyzeDiagnostic, AnalyzeResponse

from engine.analyzer_messages import Remediation, analyze_request, analyzer_resource
from engine.analyzers import PolicyPack, PolicyPackError
from engine.events import PolicyPackLoaded, PolicyViolation
from engine.policy_config import PolicyConfigError
from engine.resource_state import ResourceState
from engine.values import UNKNOWN, Properties, ResourceReference, Secret
from tests.engine.policy_packs import ROOT, policy_python, start_pack, write_pack
from tests.processes import no_process_left, read_line, wait_until_gone

STACK_URN = "urn:pulumi:dev::yard::pulumi:pulumi:Stack::yard-dev"
PROVIDER_URN = "urn:pulumi:dev::yard::pulumi:providers:cloud::default"

PACK = """
    import json, os, signal, sys, time
    import pulumi
    from pulumi_policy import *

    def plain(value):
        if hasattr(value, "keys"):
            return {key: plain(value[key]) for key in value}
        if hasattr(value, "__getitem__") and not isinstance(value, str):
            return [plain(element) for element in value]
        return value

    def size(args, report):
        if args.resource_type == "cloud:Bucket" and args.props["size"] > args.get_config()["largest"]:
            report(f"It is too large: {args.props['size']:g}.")

    def name(args, report):
        if args.name.startswith("bad"):
            report("Choose another name.")

    def mirror(args, report):
        if args.name == "mirror":
            report(json.dumps({
                "type": args.resource_type, "props": plain(args.props), "protect": args.opts.protect,
                "ignore": list(args.opts.ignore_changes), "before": args.opts.delete_before_replace,
                "aliases": list(args.opts.aliases), "secrets": list(args.opts.additional_secret_outputs),
                "create": args.opts.custom_timeouts.create_seconds, "parent": args.opts.parent,
                "provider": [args.provider.name, args.provider.resource_type, plain(args.provider.props)],
                "stack": [pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization()],
                "preview": pulumi.runtime.is_dry_run(),
                "config": pulumi.Config().get("colour"), "passphrase": os.environ.get("PULUMI_CONFIG_PASSPHRASE"),
            }))

    def trouble(args, report):
        match args.name:
            case "raises": raise ValueError("the policy is wrong")
            case "exits": os._exit(9)
            case "killed": os.kill(os.getpid(), signal.SIGKILL)
            case "hangs": time.sleep(600)
            case "prints": print("hello"); print("there", file=sys.stderr)

    def mend(args):
        if "owner" not in args.props:
            return {**args.props, "owner": "nobody"}

    def stack(args, report):
        buckets = [resource for resource in args.resources if resource.resource_type == "cloud:Bucket"]
        if len(buckets) > 1:
            report("There are too many buckets.")
            report("This is one of them.", buckets[0].urn)
        for bucket in buckets:
            for name, dependencies in bucket.property_dependencies.items():
                needed = [each.name for each in dependencies]
                report(f"{name} needs {needed}, under {bucket.parent.name}.", bucket.urn)

    PolicyPack("test-pack", enforcement_level=EnforcementLevel.MANDATORY, policies=[
        ResourceValidationPolicy("size", "Buckets are small.", size, severity=Severity.HIGH,
            config_schema=PolicyConfigSchema({"largest": {"type": "number", "default": 10}})),
        ResourceValidationPolicy("name", "Names are good.", name, EnforcementLevel.ADVISORY),
        ResourceValidationPolicy("mirror", "Shows what it sees.", mirror, EnforcementLevel.ADVISORY),
        ResourceValidationPolicy("trouble", "Breaks.", trouble),
        ResourceValidationPolicy("mend", "Has an owner.", remediate=mend, enforcement_level=EnforcementLevel.ADVISORY),
        StackValidationPolicy("buckets", "Buckets are few.", stack),
    ])
    """


def resource(name: str, inputs: Properties | None = None, resource_type: str = "cloud:Bucket") -> ResourceState:
    return ResourceState(f"urn:pulumi:dev::yard::{resource_type}::{name}", resource_type, True, inputs=inputs or {})


def violation(policy: str, message: str, level: str, urn: str, description: str, severity: str = "") -> PolicyViolation:
    return PolicyViolation("test-pack", "1.2.3", policy, message, level, severity, urn, description)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pack"), PACK)


@pytest.fixture(scope="module")
def pack(directory: Path) -> Iterator[PolicyPack]:
    """A pack that the tests of this module share; those that break a pack start their own."""
    with no_process_left(), start_pack(directory, config={"yard:colour": "blue"}) as started:
        yield started


def test_a_pack_tells_its_name_version_and_policies(pack: PolicyPack) -> None:
    loaded = pack.loaded
    assert loaded == PolicyPackLoaded("test-pack", "1.2.3", 6, loaded.rules)
    assert loaded.rules[4] == {
        "name": "size",
        "level": "mandatory",
        "severity": "high",
        "description": "Buckets are small.",
    }
    assert [(policy.name, policy.level, policy.kind, policy.severity) for policy in pack.policies] == [
        ("buckets", "mandatory", "stack", ""),
        ("mend", "advisory", "resource", ""),
        ("mirror", "advisory", "resource", ""),
        ("name", "advisory", "resource", ""),
        ("size", "mandatory", "resource", "high"),
        ("trouble", "mandatory", "resource", ""),
    ]


def test_violations_have_level_severity_and_the_resource(pack: PolicyPack) -> None:
    state = resource("bad", {"size": 11})
    assert pack.analyze(analyze_request(state, state.inputs)) == [
        violation(
            "size", "Buckets are small.\nIt is too large: 11.", "mandatory", state.urn, "Buckets are small.", "high"
        ),
        violation("name", "Names are good.\nChoose another name.", "advisory", state.urn, "Names are good."),
    ]
    assert pack.analyze(analyze_request(resource("good"), {"size": 9})) == []


def test_many_resources_are_judged_as_each_alone(pack: PolicyPack) -> None:
    states = [resource("bad", {"size": 11}), resource("good", {"size": 1}), resource("large", {"size": 12})]
    requests = [analyze_request(state, state.inputs) for state in states]
    assert list(pack.analyze_all(requests)) == [pack.analyze(request) for request in requests]
    raises = analyze_request(resource("raises"), {"size": 1})
    judged: list[list[PolicyViolation]] = []
    with pytest.raises(PolicyPackError, match="the policy is wrong"):
        judged.extend(pack.analyze_all([requests[0], raises, requests[1]]))
    assert judged == [pack.analyze(requests[0])]


def test_a_pack_that_says_it_does_not_remediate_is_held_to_it(directory: Path, tmp_path: Path) -> None:
    settings = {"mend": "remediate"}
    with start_pack(directory, policy_config=settings) as pack:
        assert pack.may_remediate
    quiet = write_pack(
        tmp_path / "pack",
        PACK.replace(
            "remediate=mend, enforcement_level=EnforcementLevel.ADVISORY",
            "remediate=mend, enforcement_level=EnforcementLevel.REMEDIATE",
        ),
    )
    (quiet / "PulumiPolicy.yaml").write_text("runtime: python\nremediates: false\n")
    with no_process_left(), pytest.raises(PolicyPackError, match="says 'remediates: false', but some policies do"):
        start_pack(quiet)


def test_a_pack_that_was_launched_can_be_closed_before_it_is_ready(directory: Path) -> None:
    options = {"project": "p", "stack": "s", "config": {}, "dry_run": True, "python": policy_python()}
    with no_process_left():
        pack = PolicyPack.launch(directory, **options)  # type: ignore[arg-type]
        failures: list[str] = []

        def wait() -> None:
            try:
                pack.ready()
            except PolicyPackError as error:
                failures.append(str(error))

        thread = threading.Thread(target=wait)
        thread.start()
        pack.close()
        thread.join(20)
        assert not thread.is_alive()


def test_an_answer_that_breaks_the_protocol_is_the_packs_failure(pack: PolicyPack) -> None:
    beyond = AnalyzeResponse(diagnostics=[AnalyzeDiagnostic(policyName="size", enforcementLevel=-2)])  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack._asked, "call", lambda *_, **__: beyond)
        for ask in (lambda: pack.analyze(analyze_request(resource("x"), {})), lambda: pack.analyze_stack([])):
            with pytest.raises(PolicyPackError, match=r"policy pack test-pack: what .* cannot be understood: .*-2 is"):
                ask()


def test_a_pack_that_cannot_become_ready_says_so_each_time_and_at_once(directory: Path) -> None:
    options = {"project": "p", "stack": "s", "config": {}, "dry_run": True, "python": policy_python()}
    with no_process_left(), PolicyPack.launch(directory, **options) as pack:  # type: ignore[arg-type]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pack, "_configure", lambda: [].pop())
            with pytest.raises(PolicyPackError, match="what it says of itself cannot be understood: IndexError"):
                pack.ready()
        with pytest.raises(PolicyPackError, match="what it says of itself cannot be understood: IndexError"):
            pack.ready()


def test_an_unknown_value_makes_a_policy_that_needs_it_advisory(pack: PolicyPack) -> None:
    [found] = pack.analyze(analyze_request(resource("new"), {"size": UNKNOWN}))
    assert (found.policy, found.level) == ("size", "advisory")
    assert found.message.startswith("can't run policy 'size' from policy pack 'test-pack@v0.0.1' during preview: ")
    assert found.message.endswith("value at .size can't be known during preview")


def test_a_pack_sees_plain_values_the_options_the_provider_and_the_stack(pack: PolicyPack) -> None:
    state = resource("mirror", resource_type="cloud:Thing").changed(
        parent=STACK_URN,
        protect=True,
        ignore_changes=["a"],
        additional_secret_outputs=["b"],
        custom_timeouts={"create": 60.0},
    )
    provider = ResourceState(PROVIDER_URN, "pulumi:providers:cloud", True, inputs={"region": "here"})
    properties = {
        "__provider": "pickled",
        "secret": Secret({"inner": [1, None, True]}),
        "reference": [ResourceReference("urn:x", "id-1"), ResourceReference("urn:y")],
        "nested": {"__kept": 1.5},
    }
    request = analyze_request(state, properties, provider=provider, delete_before_replace=False, aliases=["urn:old"])
    [found] = pack.analyze(request)
    text = found.message.split("\n", 1)[1]
    assert json.loads(text) == {
        "type": "cloud:Thing",
        "props": {"secret": {"inner": [1, None, True]}, "reference": ["id-1", "urn:y"], "nested": {"__kept": 1.5}},
        "protect": True,
        "ignore": ["a"],
        "before": False,
        "aliases": ["urn:old"],
        "secrets": ["b"],
        "create": 60,
        "parent": STACK_URN,
        "provider": ["default", "pulumi:providers:cloud", {"region": "here"}],
        "stack": ["yard", "dev", "organization"],
        "preview": True,
        "config": "blue",
        "passphrase": None,
    }


def test_a_stack_policy_sees_all_resources_and_may_name_one(pack: PolicyPack) -> None:
    stack = ResourceState(STACK_URN, "pulumi:pulumi:Stack", False)
    first = resource("first").changed(parent=STACK_URN)
    second = resource("second").changed(parent=STACK_URN, property_dependencies={"source": [first.urn], "size": []})
    found = pack.analyze_stack([analyzer_resource(state, state.outputs) for state in (stack, first, second)])
    assert [(each.message.split("\n")[1], each.urn, each.level) for each in found] == [
        ("There are too many buckets.", "", "mandatory"),
        ("This is one of them.", first.urn, "mandatory"),
        ("source needs ['first'], under yard-dev.", second.urn, "mandatory"),
    ]
    assert pack.analyze_stack([analyzer_resource(first, {})]) == []


def test_configuration_changes_levels_and_properties_and_disables(directory: Path) -> None:
    settings = {"name": "mandatory", "size": {"largest": 100}, "buckets": "disabled", "mend": "remediate"}
    with no_process_left(), start_pack(directory, policy_config=settings) as pack:
        assert pack.analyze(analyze_request(resource("good"), {"size": 99})) == []
        [found] = pack.analyze(analyze_request(resource("bad"), {"size": 99}))
        assert (found.policy, found.level) == ("name", "mandatory")
        assert pack.analyze_stack([analyzer_resource(resource(name), {}) for name in "ab"]) == []
        assert pack.remediates
        assert pack.remediate(analyze_request(resource("good"), {"size": 1, "key": Secret("hush")})) == [
            Remediation(
                "test-pack", "1.2.3", "mend", "Has an owner.", {"size": 1, "key": Secret("hush"), "owner": "nobody"}
            )
        ]
    with no_process_left(), start_pack(directory, policy_config={"all": "disabled"}) as pack:
        assert pack.analyze(analyze_request(resource("raises"), {})) == []


def test_nothing_is_mended_unless_a_policy_is_set_to(pack: PolicyPack) -> None:
    assert not pack.remediates
    assert pack.remediate(analyze_request(resource("good"), {"size": 1})) == []


def test_a_wrong_configuration_stops_with_every_mistake(directory: Path) -> None:
    with no_process_left(), pytest.raises(PolicyConfigError) as raised:
        start_pack(directory, policy_config={"sise": "disabled", "size": {"largest": "huge"}})
    assert str(raised.value).splitlines() == [
        "policy pack test-pack: policy configuration: sise: the policy pack has no such policy; did you mean size?",
        "policy configuration: size.largest: 'huge' is not of type 'number'",
    ]


def test_what_a_pack_prints_is_handed_on(directory: Path) -> None:
    lines: list[str] = []
    with start_pack(directory, on_output=lines.append) as pack:
        pack.analyze(analyze_request(resource("prints"), {"size": 1}))
    assert sorted(lines) == ["hello", "there"]


def test_a_policy_that_raises_is_an_error(pack: PolicyPack) -> None:
    with pytest.raises(PolicyPackError) as raised:
        pack.analyze(analyze_request(resource("raises"), {"size": 1}))
    urn = resource("raises").urn
    assert str(raised.value) == f"policy pack test-pack: failed while analyzing {urn}: the policy is wrong"


@pytest.mark.parametrize(
    ("name", "ending"), [("exits", "ended with exit status 9"), ("killed", "was ended by SIGKILL")]
)
def test_a_pack_that_ends_half_way(directory: Path, name: str, ending: str) -> None:
    with no_process_left(), start_pack(directory) as pack:
        with pytest.raises(PolicyPackError) as raised:
            pack.analyze(analyze_request(resource(name), {"size": 1}))
        assert str(raised.value).startswith(f"policy pack test-pack: {ending} while analyzing {resource(name).urn}")
        with pytest.raises(PolicyPackError, match=ending):
            pack.analyze(analyze_request(resource("next"), {"size": 1}))


def test_a_policy_that_hangs_is_given_up(directory: Path) -> None:
    message = r"did not answer within 1 s while analyzing urn:.*::hangs"
    with (
        no_process_left(),
        start_pack(directory, call_timeout_seconds=1) as pack,
        pytest.raises(PolicyPackError, match=message),
    ):
        pack.analyze(analyze_request(resource("hangs"), {"size": 1}))


def test_closing_ends_a_call_in_progress(directory: Path) -> None:
    failures: list[str] = []

    def ask(pack: PolicyPack) -> None:
        try:
            pack.analyze(analyze_request(resource("hangs"), {"size": 1}))
        except PolicyPackError as error:
            failures.append(str(error))

    with no_process_left(), start_pack(directory) as pack:
        thread = threading.Thread(target=ask, args=(pack,))
        thread.start()
        pack.close()
        thread.join(20)
    [failure] = failures
    assert failure.startswith("policy pack test-pack: ")
    with pytest.raises(PolicyPackError, match="it was closed"):
        pack.analyze(analyze_request(resource("late"), {}))


ANSWERS_NOTHING = """
    import socket
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1])
    server.accept()
    """


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('no luck')", r"ended with exit status 1 before it was ready(?s:.*)RuntimeError: no luck"),
        ("import sys; print('bye', file=sys.stderr); sys.exit(4)", r"exit status 4 before it was ready\n    bye"),
        ("", r"ended with exit status 0 before it was ready"),
        ("print('Loading…')", r"printed 'Loading…' where its port was expected"),
        ("print(99999)", r"printed '99999' where its port was expected"),
        ("import time; time.sleep(600)", r"did not say within 1\.5 s which port it listens on"),
        ("import os, time; os.close(1); time.sleep(600)", r"closed its standard output before it was ready"),
        (ANSWERS_NOTHING, r"while shaking hands"),
        ("import nothing_like_it", r"No module named 'nothing_like_it'"),
    ],
)
def test_a_pack_that_does_not_start(tmp_path: Path, source: str, message: str) -> None:
    directory = write_pack(tmp_path / "pack", source)
    timeout = 1.5 if source.startswith("import time") else 60
    with no_process_left(), pytest.raises(PolicyPackError, match=message) as raised:
        start_pack(directory, start_timeout_seconds=timeout)
    assert str(raised.value).startswith("policy pack ")


def test_an_environment_without_the_sdk_says_how_to_make_it(tmp_path: Path) -> None:
    directory = write_pack(tmp_path / "pack", "")
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(PolicyPackError) as raised:
        start_pack(directory, python=str(bare))
    assert str(raised.value).endswith(
        f"Its packages are missing; install them with: python3 -m venv {directory}/.venv && "
        f"{directory}/.venv/bin/python -m pip install -r {directory}/requirements.txt"
    )


def test_killing_the_engine_leaves_no_pack(directory: Path) -> None:
    source = f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(ROOT)!r})
        from engine.analyzers import PolicyPack
        pack = PolicyPack.start(
            Path({str(directory)!r}), project="p", stack="s", config={{}}, dry_run=True, python={policy_python()!r}
        )
        print("ready", flush=True)
        time.sleep(600)
        """
    command = [sys.executable, "-c", textwrap.dedent(source)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        assert read_line(engine) == "ready"
        helpers = psutil.Process(engine.pid).children(recursive=True)
        assert len(helpers) == 2
        os.kill(engine.pid, signal.SIGKILL)
    wait_until_gone(helpers)


def test_importing_analyzers_loads_neither_grpc_nor_pulumi() -> None:
    source = f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        import engine.analyzers
        print([name for name in ("grpc", "jsonschema", "pulumi", "yaml") if name in sys.modules])
        """
    command = [sys.executable, "-c", textwrap.dedent(source)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"

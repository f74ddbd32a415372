"""`yard render`: which files a stack's Kubernetes objects become, in what order, and what is never in them.

TRAINYARD_WRITE_GOLDEN=1 writes the rendered shop anew.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cli.exit_status import ExitStatus
from cli.render_files import rendered_files
from cli.render_folder import MARKER, check_folder, replace_folder
from cli.render_manifest import Gaps, manifest_of
from cli.render_order import in_apply_order
from cli.render_yaml import yaml_text
from engine.events import StepStarted
from engine.values import UNKNOWN_SENTINEL
from engine.yaml_documents import parse_document
from tests.cli.yard import Result, make_project, yard
from tests.infra.kubernetes.manifests import schema_problems

GOLDEN = Path(__file__).parent / "golden" / "render_shop.txt"
PASSWORD = "the-password-of-the-shop"
SHOP = f'''\
"""A shop: objects in an order of nobody's, a chart, what is known only later, and what nobody is to read."""

import pulumi


class Bucket(pulumi.CustomResource):
    arn: pulumi.Output[str]

    def __init__(self, name):
        super().__init__("aws:s3/bucket:Bucket", name, {{"arn": None}})


class Object(pulumi.CustomResource):
    def __init__(self, name, api, kind, content, namespace=None, needs=()):
        metadata = {{"name": name, **({{"namespace": namespace}} if namespace else {{}})}}
        manifest = {{"apiVersion": api, "kind": kind, "metadata": metadata, **content}}
        token = f"kubernetes:{{api if '/' in api else f'core/{{api}}'}}:{{kind}}"
        super().__init__(token, f"the-{{name}}", manifest, pulumi.ResourceOptions(depends_on=list(needs)))


bucket = Bucket("goods")
password = pulumi.Output.secret("{PASSWORD}")
cash = {{"name": "P", "value": password}}
script = "#!/bin/sh\\necho selling\\n"
pod = {{
    "metadata": {{"annotations": {{"shop/bucket": bucket.arn}}}},
    "spec": {{"containers": [{{"name": "till", "args": ["--to", bucket.arn], "env": [cash]}}]}},
}}
Object("till", "apps/v1", "Deployment", {{"spec": {{"replicas": bucket.arn, "template": pod}}}}, "shop")
Object("settings", "v1", "ConfigMap", {{"data": {{"bucket": bucket.arn, "open": "yes", "sell.sh": script}}}}, "shop")
Object("door", "v1", "Secret", {{"type": "Opaque", "data": {{"key": "aGFsbG8="}}, "immutable": True}}, "shop")
Object("shop", "v1", "Namespace", {{"status": {{"phase": "Active"}}}})
chart = pulumi.CustomResource(
    "kubernetes:helm.sh/v3:Release",
    "the-chart",
    {{
        "name": "queue",
        "chart": "queue",
        "version": "1.2.3",
        "namespace": "queues",
        "createNamespace": True,
        "repositoryOpts": {{"repo": "https://charts.example.com"}},
        "values": {{"bucket": bucket.arn, "replicas": 2, "token": password}},
    }},
)
Object("line", "queue.example.com/v1", "Line", {{"spec": {{}}}}, "shop", needs=[chart])
pulumi.CustomResource(
    "kubernetes:core/v1:ConfigMap",
    "unnamed",
    {{
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "__defaults": [],
        "metadata": {{"namespace": "shop", "annotations": {{"pulumi.com/patchForce": "true"}}}},
    }},
)
'''


def _texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder of a rendered shop, and what was said of it."""
    project = make_project(tmp_path_factory.mktemp("shop"), SHOP, stack="dev")
    return project / "manifests", yard("render", "-s", "dev", "manifests", cwd=project)


def test_the_shop_reads_as_the_golden_file(shop: tuple[Path, Result]) -> None:
    folder, result = shop
    assert (result.code, result.err) == (ExitStatus.SUCCESS, "")
    said = result.out.replace(str(folder), "DIR")
    said += "".join(f"\n==> {name}\n{text}" for name, text in _texts(folder).items())
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(said)
    assert said == GOLDEN.read_text()


def test_no_secret_and_no_word_of_pulumis_own_is_in_a_file(shop: tuple[Path, Result]) -> None:
    everything = "".join(_texts(shop[0]).values())
    assert not [
        text for text in (PASSWORD, "aGFsbG8=", "pulumi.com/", "__defaults", UNKNOWN_SENTINEL) if text in everything
    ]


def test_a_second_render_takes_the_place_of_the_first_and_says_so_as_json(shop: tuple[Path, Result]) -> None:
    folder, _ = shop
    before = _texts(folder)
    (folder / "010-namespace-shop.yaml").write_text("edited: true\n")
    result = yard("render", "-s", "dev", str(folder), "--json", cwd=folder.parent)
    assert result.code == ExitStatus.SUCCESS, result.err
    assert _texts(folder) == before
    files = json.loads(result.out)["files"]
    assert sorted(each["file"] for each in files) == sorted(set(before) - {MARKER})
    [till] = [each for each in files if each["kind"] == "Deployment"]
    assert (till["apiVersion"], till["namespace"], till["name"]) == ("apps/v1", "shop", "till")
    assert "spec.replicas" in till["unknown"]
    assert till["secret"] == ["spec.template.spec.containers[0].env[0].value"]
    [chart] = [each for each in files if "command" in each]
    assert chart["command"].startswith(
        "helm upgrade --install queue queue --repo https://charts.example.com --version 1.2.3"
    )


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("import pulumi\n", ExitStatus.CONFIGURATION, "stack local has no Kubernetes objects: nothing was written"),
        ("import pulumi\nraise pulumi.RunError('the till is stuck')\n", ExitStatus.CONFIGURATION, "the till is stuck"),
    ],
    ids=["nothing", "error"],
)
def test_where_there_is_nothing_to_write_nothing_is(tmp_path: Path, program: str, code: int, said: str) -> None:
    project = make_project(tmp_path / "project", program)
    result = yard("render", "manifests", cwd=project)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert not (project / "manifests").exists()


# The folder


def test_a_folder_with_files_of_others_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "raise SystemExit('the program ran')\n")
    (project / "manifests").mkdir()
    (project / "manifests" / "mine.yaml").write_text("mine: true\n")
    result = yard("render", "manifests", cwd=project)
    assert result.code == ExitStatus.CONFIGURATION
    assert "has files that no render wrote (mine.yaml)" in result.err
    assert _texts(project / "manifests") == {"mine.yaml": "mine: true\n"}


def test_a_folder_is_replaced_as_a_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir(mode=0o700)
    replace_folder(folder, {"010-a.yaml": "a: 1\n", "charts/020-b.yaml": "b: 1\n"})
    check_folder(folder)
    replace_folder(folder, {"010-c.yaml": "c: 1\n"})
    assert _texts(folder) == {"010-c.yaml": "c: 1\n", MARKER: "010-c.yaml\n"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["manifests"]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    replace_folder(folder, {"010-a.yaml": "a: 1\n"})
    before = _texts(folder)
    with pytest.raises(Exception, match="cannot be written"):
        replace_folder(folder, {"x" * 300: "a: 1\n"})
    assert _texts(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["manifests"]


@pytest.mark.parametrize(
    ("made", "why"),
    [("file", "is not a folder"), ("gap/folder", "cannot be made"), (".", "is the folder that you are in")],
)
def test_what_is_no_folder_to_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str, why: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=why):
        check_folder((tmp_path / made).resolve())


# The order


def _created(name: str, kind: str, *needs: int, namespace: str = "", **inputs: object) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"name": name, "kind": kind, "needs": needs, "inputs": {"kind": kind, "metadata": metadata, **inputs}}


def _order(*created: Mapping[str, Any], operation: str = "create") -> list[str]:
    """Names in the order to apply; `needs` are places among those created before."""
    events, urns = [], []
    for each in created:
        kind, name = each["kind"], each["name"]
        type_ = f"{'aws' if kind == 'Cloud' else 'kubernetes'}:core/v1:{kind}"
        urns.append(f"urn:pulumi:dev::shop::{type_}::{name}")
        state = {"urn": urns[-1], "type": type_, "custom": True, "inputs": each["inputs"]}
        state["dependencies"] = [urns[place] for place in each["needs"]]
        events.append(StepStarted(operation, urns[-1], new_state=state))
    return [each.name for each in in_apply_order(events)]


KINDS = ("Cloud", "Namespace", "ConfigMap", "Deployment", "Job", "Widget")


@given(st.data())
def test_what_something_depends_on_comes_before_it_also_through_a_cloud(data: st.DataObject) -> None:
    created = []
    for place in range(data.draw(st.integers(1, 8))):
        needs = data.draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set()
        kind, namespace = data.draw(st.sampled_from(KINDS)), data.draw(st.sampled_from(["", "0", "1", "2"]))
        created.append(_created(str(place), kind, *needs, namespace=namespace))
    order = _order(*created)
    assert sorted(order) == sorted(each["name"] for each in created if each["kind"] != "Cloud")

    def needed(place: int) -> set[int]:
        return {each for need in created[place]["needs"] for each in ({need} | needed(need))}

    for place, each in enumerate(created):
        for need in needed(place) if each["kind"] != "Cloud" else ():
            if created[need]["kind"] != "Cloud":
                assert order.index(str(need)) < order.index(each["name"])


def test_a_namespace_and_a_definition_come_before_what_needs_them_without_saying_so() -> None:
    definition = {"group": "core", "names": {"kind": "Widget"}}
    assert _order(
        _created("z", "ConfigMap", namespace="shop"),
        _created("w", "Widget"),
        _created("a", "PriorityClass", namespace="shop"),
        _created("widgets", "CustomResourceDefinition", spec=definition),
        _created("base", "Job"),
        _created("shop", "Namespace", 4),
    ) == ["widgets", "base", "shop", "a", "z", "w"]


def test_the_order_is_not_the_programs_where_nothing_depends_on_anything() -> None:
    objects = [_created("b", "ConfigMap"), _created("a", "ConfigMap"), _created("till", "Deployment")]
    assert _order(*objects) == _order(*reversed(objects)) == ["a", "b", "till"]


def test_needs_that_go_in_a_circle_only_by_namespaces_leave_the_programs_order() -> None:
    created = [
        _created("a", "ConfigMap", namespace="one"),
        _created("b", "ConfigMap", namespace="two"),
        _created("one", "Namespace", 1),
        _created("two", "Namespace", 0),
    ]
    assert sorted(_order(*created)) == ["a", "b", "one", "two"]


def test_what_is_deleted_or_only_read_is_not_rendered() -> None:
    for operation in ("delete", "read", "discard"):
        assert not _order(_created("a", "ConfigMap"), operation=operation)


def test_names_of_files_sort_in_the_order_of_applying_however_many_there_are() -> None:
    events = []
    for place in range(120):
        urn = f"urn:pulumi:dev::shop::kubernetes:core/v1:ConfigMap::n{place}"
        inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"N:{place}" + "x" * 200}}
        events.append(
            StepStarted(
                "create", urn, new_state={"type": "kubernetes:core/v1:ConfigMap", "custom": True, "inputs": inputs}
            )
        )
    paths = [file.path for file in rendered_files(in_apply_order(events))]
    assert paths == sorted(paths)
    assert len(set(paths)) == 120
    assert all(len(path) < 200 and ":" not in path for path in paths)


# The manifest


def test_placeholders_are_such_as_the_api_takes() -> None:
    unknown = UNKNOWN_SENTINEL
    container = {
        "name": unknown,
        "image": unknown,
        "args": unknown,
        "ports": [{"containerPort": unknown}],
        "env": [{"name": "A", "value": unknown}],
        "resources": {"limits": {"cpu": unknown}},
        "readinessProbe": {"httpGet": {"path": unknown, "port": unknown}, "periodSeconds": unknown},
    }
    pod = {
        "automountServiceAccountToken": unknown,
        "nodeSelector": unknown,
        "terminationGracePeriodSeconds": unknown,
        "tolerations": [{"key": unknown, "value": unknown, "operator": "Equal"}],
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": unknown}}],
        "containers": [container],
    }
    template = {"metadata": {"labels": unknown, "annotations": {"a": unknown}}, "spec": pod}
    spec = {"replicas": unknown, "selector": {"matchLabels": {"a": unknown}}, "template": template}
    gaps = Gaps()
    manifest = manifest_of(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": unknown}, "spec": spec}, "till", gaps
    )
    assert not schema_problems([manifest])
    assert manifest["metadata"]["name"] == "till"
    assert len(gaps.unknown) == 20
    assert manifest["spec"]["template"]["spec"]["containers"][0]["image"] == "known-after-up"


@pytest.mark.parametrize(
    ("given_data", "written", "noted"),
    [
        ({"data": {"a": "eA=="}, "stringData": {"b": "x"}}, {"a": "secret", "b": "secret"}, 2),
        ({"data": {".dockerconfigjson": "[secret]"}}, {".dockerconfigjson": "{}"}, 1),
        ({"data": "[secret]"}, None, 1),
        ({"data": {"a": UNKNOWN_SENTINEL}}, {"a": "secret"}, 1),
    ],
)
def test_nothing_that_a_secret_holds_is_written(given_data: dict[str, Any], written: object, noted: int) -> None:
    gaps = Gaps()
    manifest = manifest_of({"kind": "Secret", "metadata": {"name": "s"}, **given_data}, "s", gaps)
    assert (manifest.get("stringData"), "data" in manifest, len(gaps.secret)) == (written, False, noted)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
AMBIGUOUS = [
    "1e3",
    "0o17",
    "0x1f",
    "1_000",
    "yes",
    "Off",
    "~",
    "",
    "null",
    "2020-01-02",
    ".inf",
    "1:30",
    "=",
    "<<",
    "- a",
    "a: b",
    "a #b",
]


@given(st.dictionaries(st.sampled_from(["a", "b.c/d", *AMBIGUOUS]), JSON | st.sampled_from(AMBIGUOUS), max_size=4))
def test_readers_of_any_yaml_read_what_was_meant(document: dict[str, Any]) -> None:
    text = yaml_text(document)
    assert yaml.safe_load(text) == document
    if "<<" not in document:
        assert parse_document(Path("it.yaml"), text).value == document


def test_text_of_several_lines_is_written_as_lines() -> None:
    assert yaml_text({"data": {"sell.sh": "#!/bin/sh\necho\n", "list": [["a"]]}}) == (
        "data:\n  sell.sh: |\n    #!/bin/sh\n    echo\n  list:\n    - - a\n"
    )

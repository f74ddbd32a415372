"""A team's namespace, its limits and its paths, as objects; `test_isolation` shows on a control plane what they do."""

import os
from collections.abc import Sequence
from pathlib import Path

from infra.kubernetes.network_policies import IdentityAgent, default_policies
from infra.kubernetes.object import Manifest
from infra.kubernetes.priority_classes import critical_pods_manifest, priority_class_manifests
from infra.kubernetes.settings import TeamSettings
from infra.kubernetes.teams import Member, gpu_quota, reader_role_manifest, team_manifests
from tests.infra.kubernetes.manifests import as_yaml, schema_problems
from tests.infra.kubernetes.pools import POOLS

GOLDEN = Path(__file__).parent / "golden"
LABELS = {"app.kubernetes.io/part-of": "trainyard"}
AGENT = IdentityAgent("169.254.170.23/32", 80)


def objects(
    settings: TeamSettings | None = None, team: str = "research", members: Sequence[Member] = ()
) -> list[Manifest]:
    return [
        *team_manifests(
            team,
            settings or TeamSettings(),
            pools=POOLS,
            service_accounts={"training": {"example.com/role": "a-role"}, "serving": {}},
            members=members,
            labels=LABELS,
            annotations={"trainyard.dev/owner": "someone@example.com"},
        ),
        *default_policies(team, [AGENT], LABELS),
    ]


def test_the_objects_are_what_was_reviewed() -> None:
    written = as_yaml([*priority_class_manifests(LABELS), reader_role_manifest(LABELS), *objects()])
    golden = GOLDEN / "team.yaml"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        golden.write_text(written)
    assert written == golden.read_text()


def test_every_object_is_valid_in_three_versions_of_kubernetes() -> None:
    assert schema_problems([*priority_class_manifests(LABELS), reader_role_manifest(LABELS), *objects()]) == []


def test_a_team_may_have_what_its_settings_say_and_else_what_there_is() -> None:
    assert gpu_quota(TeamSettings(), POOLS) == 4 * 1 + 2 * 8 + 2 * 1
    assert gpu_quota(TeamSettings(gpus=3), POOLS) == 3
    (quota,) = (
        each for each in objects(TeamSettings(gpus=3, cpus=10, memory_gib=64)) if each["kind"] == "ResourceQuota"
    )
    hard = quota["spec"]["hard"]
    assert (hard["requests.nvidia.com/gpu"], hard["requests.cpu"], hard["requests.memory"]) == ("3", "10", "64Gi")


def test_members_are_named_beside_their_group_where_the_cloud_has_no_such_groups() -> None:
    members = [Member("User", "ada@example.com"), Member("Group", "research@example.com")]
    named = objects(members=members)
    assert schema_problems(named) == []
    bindings = [each for each in named if each["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    assert len(bindings) == 2
    for each in bindings:
        assert [(who["kind"], who["name"]) for who in each["subjects"]] == [
            ("Group", "trainyard:research"),
            ("User", "ada@example.com"),
            ("Group", "research@example.com"),
        ]


def test_a_quota_that_lets_pods_of_the_systems_priorities_in_counts_no_others() -> None:
    quota = critical_pods_manifest("trainyard-monitoring", LABELS)
    assert schema_problems([quota]) == []
    assert quota["spec"]["hard"].keys() == {"pods"}
    (selected,) = quota["spec"]["scopeSelector"]["matchExpressions"]
    assert {*selected["values"]} == {"system-node-critical", "system-cluster-critical"}


def test_nothing_of_a_member_reaches_beyond_the_namespace() -> None:
    for each in objects():
        if each["kind"] not in ("Namespace", "ClusterRoleBinding"):
            assert each["metadata"]["namespace"] == "research", each
    rules = [rule for each in objects() if each["kind"] == "Role" for rule in each["rules"]]
    everything = {word for rule in rules for words in rule.values() for word in words}
    assert "*" not in everything
    changing = {"create", "update", "patch", "delete"}
    writable = {resource for rule in rules if changing & {*rule["verbs"]} for resource in rule["resources"]}
    assert not writable & {"secrets", "roles", "rolebindings", "networkpolicies", "resourcequotas", "serviceaccounts"}


def test_no_pod_reaches_the_nodes_metadata() -> None:
    blocks = [
        peer["ipBlock"]
        for each in objects()
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"].get("egress", [])
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    ]
    assert {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]} in blocks
    assert [block for block in blocks if block["cidr"].startswith("169.254")] == [{"cidr": "169.254.170.23/32"}]

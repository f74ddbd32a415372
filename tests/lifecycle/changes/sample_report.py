"""A report on a change with something of everything, for the tests of its page and for the pictures of it."""

import json
from typing import Any, Literal

from lifecycle.changes.report import (
    SECRET,
    UNKNOWN,
    ChangeReport,
    CostChange,
    GraphNode,
    Operation,
    PropertyChange,
    ResourceChange,
    Revision,
    RuleChange,
    StackChange,
    VerdictChange,
)

STACK = "pulumi:pulumi:Stack"
ROOT = "trainyard:aws:Platform::aws"

# Name, parent, what it needs, and what becomes of it: `TYPE::NAME` each.
_RESOURCES: tuple[tuple[str, str, str, Operation], ...] = (
    ("trainyard:aws:Platform::aws", "", "", "same"),
    ("trainyard:aws:Keys::keys", ROOT, "", "same"),
    ("aws:kms/key:Key::keys-datasets", "trainyard:aws:Keys::keys", "", "same"),
    ("aws:kms/key:Key::keys-models", "trainyard:aws:Keys::keys", "", "replace"),
    ("aws:kms/alias:Alias::keys-models", "trainyard:aws:Keys::keys", "aws:kms/key:Key::keys-models", "update"),
    ("trainyard:aws:Storage::storage", ROOT, "", "same"),
    ("aws:s3/bucket:Bucket::storage-logs", "trainyard:aws:Storage::storage", "", "same"),
    ("aws:s3/bucket:Bucket::storage-models", "trainyard:aws:Storage::storage", "", "same"),
    ("aws:s3/bucket:Bucket::storage-datasets", "trainyard:aws:Storage::storage", "", "same"),
    ("aws:s3/bucket:Bucket::storage-scratch", "trainyard:aws:Storage::storage", "", "delete"),
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::storage-models",
        "aws:s3/bucket:Bucket::storage-models",
        "aws:s3/bucket:Bucket::storage-models aws:kms/key:Key::keys-models",
        "update",
    ),
    (
        "aws:s3/bucketPolicy:BucketPolicy::storage-models",
        "aws:s3/bucket:Bucket::storage-models",
        "aws:s3/bucket:Bucket::storage-models aws:kms/key:Key::keys-models",
        "update",
    ),
    (
        "aws:s3/bucketPolicy:BucketPolicy::storage-datasets",
        "aws:s3/bucket:Bucket::storage-datasets",
        "aws:s3/bucket:Bucket::storage-datasets aws:kms/key:Key::keys-datasets",
        "same",
    ),
    ("trainyard:aws:Network::network", ROOT, "", "same"),
    ("aws:ec2/vpc:Vpc::network", "trainyard:aws:Network::network", "", "same"),
    ("aws:ec2/subnet:Subnet::network-private-a", "trainyard:aws:Network::network", "aws:ec2/vpc:Vpc::network", "same"),
    ("aws:ec2/subnet:Subnet::network-private-b", "trainyard:aws:Network::network", "aws:ec2/vpc:Vpc::network", "same"),
    ("aws:ec2/subnet:Subnet::network-private-c", "trainyard:aws:Network::network", "aws:ec2/vpc:Vpc::network", "same"),
    (
        "aws:ec2/natGateway:NatGateway::network-c",
        "trainyard:aws:Network::network",
        "aws:ec2/subnet:Subnet::network-private-c",
        "create",
    ),
    ("trainyard:aws:Cluster::cluster", ROOT, "", "same"),
    (
        "aws:eks/cluster:Cluster::cluster",
        "trainyard:aws:Cluster::cluster",
        "aws:ec2/subnet:Subnet::network-private-a aws:ec2/subnet:Subnet::network-private-b"
        " aws:ec2/subnet:Subnet::network-private-c aws:kms/key:Key::keys-datasets",
        "same",
    ),
    ("trainyard:aws:GpuPools::pools", ROOT, "aws:eks/cluster:Cluster::cluster", "same"),
    *(
        node
        for zone in "ab"
        for node in (
            (
                f"aws:ec2/launchTemplate:LaunchTemplate::pools-training-{zone}",
                "trainyard:aws:GpuPools::pools",
                "aws:eks/cluster:Cluster::cluster",
                "update",
            ),
            (
                f"aws:eks/nodeGroup:NodeGroup::pools-training-{zone}",
                "trainyard:aws:GpuPools::pools",
                f"aws:eks/cluster:Cluster::cluster aws:ec2/launchTemplate:LaunchTemplate::pools-training-{zone}"
                f" aws:ec2/subnet:Subnet::network-private-{zone}",
                "update",
            ),
        )
    ),
    (
        "aws:eks/nodeGroup:NodeGroup::pools-training-c",
        "trainyard:aws:GpuPools::pools",
        "aws:eks/cluster:Cluster::cluster aws:ec2/subnet:Subnet::network-private-c"
        " aws:ec2/natGateway:NatGateway::network-c",
        "create",
    ),
    ("trainyard:kubernetes:ClusterContent::content", "", "aws:eks/cluster:Cluster::cluster", "same"),
    *(
        (
            f"kubernetes:core/v1:Namespace::{name}",
            "trainyard:kubernetes:ClusterContent::content",
            "aws:eks/cluster:Cluster::cluster",
            "same",
        )
        for name in ("training", "serving", "monitoring")
    ),
    (
        "kubernetes:core/v1:ConfigMap::serving-front",
        "trainyard:kubernetes:ClusterContent::content",
        "kubernetes:core/v1:Namespace::serving",
        "update",
    ),
    (
        "kubernetes:apps/v1:Deployment::serving",
        "trainyard:kubernetes:ClusterContent::content",
        "kubernetes:core/v1:Namespace::serving kubernetes:core/v1:ConfigMap::serving-front",
        "update",
    ),
    (
        "kubernetes:core/v1:Service::serving",
        "trainyard:kubernetes:ClusterContent::content",
        "kubernetes:core/v1:Namespace::serving kubernetes:apps/v1:Deployment::serving",
        "same",
    ),
    (
        "kubernetes:networking.k8s.io/v1:NetworkPolicy::serving",
        "trainyard:kubernetes:ClusterContent::content",
        "kubernetes:core/v1:Namespace::serving",
        "same",
    ),
)

_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "DenyOtherKeys",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::trainyard-prod-models/*",
            "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:key/1"}},
        },
        {"Sid": "DenyPlainHttp", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    ],
}
_NEW_POLICY = json.loads(json.dumps(_POLICY).replace("arn:aws:kms:key/1", "arn:aws:kms:alias/models"))
_NEW_POLICY["Statement"][1]["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}

_FRONT = "\n".join(
    ["admin:", "  address: { socket_address: { address: 127.0.0.1, port_value: 9901 } }", "static_resources:"]
    + [f"  # listener {number}\n  - name: listener-{number}\n    connect_timeout: 0.25s" for number in range(12)]
)


def change(
    path: str,
    before: Any,
    after: Any,
    *,
    kind: Literal["added", "removed", "changed"] = "changed",
    replaces: bool = False,
) -> PropertyChange:
    """One property that differs."""
    return PropertyChange(path=path, kind=kind, before=before, after=after, replaces=replaces)


_PROPERTIES: dict[str, tuple[PropertyChange, ...]] = {
    "aws:kms/key:Key::keys-models": (
        change("customerMasterKeySpec", "SYMMETRIC_DEFAULT", "RSA_4096", replaces=True),
        change("deletionWindowInDays", 30, 7),
        change("tags.purpose", None, "sealing", kind="added"),
    ),
    "aws:kms/alias:Alias::keys-models": (change("targetKeyId", "8d4f6a1e-52c7-4f0e-9a53-1f0a2f4f9f11", UNKNOWN),),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::storage-models": (
        change("rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId", "arn:aws:kms:key/1", UNKNOWN),
    ),
    "aws:s3/bucketPolicy:BucketPolicy::storage-models": (
        change("policy", json.dumps(_POLICY), json.dumps(_NEW_POLICY)),
    ),
    "aws:eks/nodeGroup:NodeGroup::pools-training-a": (
        change("instanceTypes", ["g5.12xlarge"], ["g6e.12xlarge", "g5.12xlarge"]),
        change("labels", None, {"trainyard.io/pool": "training", "trainyard.io/zone": "a"}, kind="added"),
        change("scalingConfig.maxSize", 4, 8),
    ),
    "aws:eks/nodeGroup:NodeGroup::pools-training-b": (
        change("instanceTypes", ["g5.12xlarge"], ["g6e.12xlarge", "g5.12xlarge"]),
        change("scalingConfig.maxSize", 4, 8),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate::pools-training-a": (
        change("blockDeviceMappings[0].ebs.volumeSize", 200, 500),
        change("userData", SECRET, SECRET),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate::pools-training-b": (
        change("blockDeviceMappings[0].ebs.volumeSize", 200, 500),
        change("keyName", "operators-2023", None, kind="removed"),
    ),
    "kubernetes:core/v1:ConfigMap::serving-front": (
        change(
            "data['envoy.yaml']",
            _FRONT,
            _FRONT.replace("listener-7\n    connect_timeout: 0.25s", "listener-7\n    connect_timeout: 1s"),
        ),
    ),
    "kubernetes:apps/v1:Deployment::serving": (
        change("spec.replicas", 2, 3),
        change(
            "spec.template.spec.containers[0].image",
            "docker.io/envoyproxy/envoy@sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            "docker.io/envoyproxy/envoy@sha256:7c1f0a1e66778899aabbccddeeff00112233445566778899aabbccddeeff0011",
        ),
    ),
}
_PRICES: dict[str, tuple[float | None, float | None]] = {
    "aws:kms/key:Key::keys-models": (1.0, 1.0),
    "aws:s3/bucket:Bucket::storage-scratch": (46.0, None),
    "aws:ec2/natGateway:NatGateway::network-c": (None, 36.5),
    "aws:eks/nodeGroup:NodeGroup::pools-training-a": (0.0, 312.44),
    "aws:eks/nodeGroup:NodeGroup::pools-training-b": (0.0, 312.44),
}
_LOSSES = {
    "aws:kms/key:Key": "a key, and with it all that it encrypts",
    "aws:s3/bucket:Bucket": "the objects in it",
}
_WEIGHT: dict[Operation, int] = {"replace": 0, "delete": 0, "create": 2, "update": 1, "same": 3}


def sample_report() -> ChangeReport:
    """A change of three stacks: one in all ways, one a little, one not at all."""
    return ChangeReport(
        project="trainyard",
        base=Revision(name="origin/main", commit="4b1c0a7f2f2f9f64c3c8e1c6f1d5b6f0c9a1d2e3"),
        head=Revision(name="gpu-pools-g6e", commit="9e7d5c3b1a0f8e6d4c2b0a9f7e5d3c1b0a8f6e4d", modified=True),
        stacks=(_prod(), _dev(), stack_change("local", same=24)),
        policies=True,
    )


def stack_change(name: str, **given: Any) -> StackChange:
    """A stack in which nothing changes but what is given."""
    nothing: dict[str, Any] = {
        "base_problem": "",
        "head_problem": "",
        "is_new": False,
        "is_gone": False,
        "resources": (),
        "same": 0,
        "cost": None,
        "verdicts": (),
        "graph": (),
    }
    return StackChange(stack=name, **(nothing | given))


def urn(stack: str, key: str) -> str:
    """The URN of `TYPE::NAME`."""
    return f"urn:pulumi:{stack}::trainyard::{key}"


def large_report(parts: int = 40) -> ChangeReport:
    """A stack of several hundred resources, all new, each needing some of those before it."""
    nodes, resources = (
        [GraphNode(urn=urn("big", "s"), type=STACK, name="big", parent="", operation="create", depends_on=())],
        [],
    )
    for part in range(parts):
        component = f"trainyard:aws:Part{part}::part-{part}"
        keys = [component, *(f"aws:ec2/instance:Instance::part-{part}-machine-{number}" for number in range(7))]
        for number, key in enumerate(keys):
            needs = [keys[at] for at in range(1, number, 2)]
            needs += [f"aws:ec2/instance:Instance::part-{part // 2}-machine-{number - 1}"] if number and part else []
            nodes.append(node("big", key, component if number else "", " ".join(needs), "create"))
            resources.append(resource("big", key, "create"))
    return ChangeReport(
        project="trainyard",
        base=Revision(name="main", commit="0" * 40),
        head=Revision(name="HEAD", commit="1" * 40),
        stacks=(stack_change("big", is_new=True, resources=tuple(resources), graph=tuple(nodes)),),
        policies=False,
    )


def node(stack: str, key: str, parent: str, needs: str, operation: Operation) -> GraphNode:
    """A resource in the graph."""
    kind, _, name = key.rpartition("::")
    return GraphNode(
        urn=urn(stack, key),
        type=kind,
        name=name,
        parent=urn(stack, parent or f"{STACK}::trainyard-{stack}"),
        operation=operation,
        depends_on=tuple(urn(stack, each) for each in needs.split()),
    )


def resource(stack: str, key: str, operation: Operation) -> ResourceChange:
    """A resource that changes."""
    kind, _, name = key.rpartition("::")
    before, after = _PRICES.get(key, (None, None))
    return ResourceChange(
        urn=urn(stack, key),
        type=kind,
        name=name,
        operation=operation,
        stateful=kind in _LOSSES,
        protected=kind == "aws:kms/key:Key",
        properties=_PROPERTIES.get(key, ()),
        usd_per_month_before=before,
        usd_per_month_after=after,
        custom=not kind.startswith("trainyard:"),
        loss=_LOSSES.get(kind, ""),
    )


def _prod() -> StackChange:
    root = GraphNode(
        urn=urn("prod", f"{STACK}::trainyard-prod"),
        type=STACK,
        name="trainyard-prod",
        parent="",
        operation="same",
        depends_on=(),
    )
    changed = [resource("prod", key, what) for key, _, _, what in _RESOURCES if what != "same"]
    changed.sort(key=lambda each: (not each.is_dangerous, _WEIGHT[each.operation]))
    return stack_change(
        "prod",
        resources=tuple(changed),
        same=len(_RESOURCES) + 1 - len(changed),
        cost=CostChange(
            before_usd_per_month=2841.17,
            after_usd_per_month=3456.55,
            before_idle_usd_per_hour=1.912,
            after_idle_usd_per_hour=1.961,
            before_full_usd_per_hour=47.61,
            after_full_usd_per_hour=92.885,
            complete=False,
            unpriced=("aws:budgets/budget:Budget",),
        ),
        verdicts=_verdicts(),
        rules=(
            RuleChange(rule="aws-kms-rotation", title="Keys rotate", before="mandatory", after="advisory"),
            RuleChange(rule="aws-s3-tls-only", title="Buckets answer TLS only", before="", after="mandatory"),
        ),
        notes=("2 verdicts of the base could not be told apart: they have the same text.",),
        graph=(root, *(node("prod", *each) for each in _RESOURCES)),
    )


def _verdicts() -> tuple[VerdictChange, ...]:
    def verdict(
        status: Literal["new", "fixed", "remaining"],
        severity: str,
        rule: str,
        title: str,
        key: str,
        text: str,
        **more: Any,
    ) -> VerdictChange:
        return VerdictChange(
            status=status,
            rule=rule,
            title=title,
            kind=more.get("kind", "violated"),
            severity=severity,
            urn=urn("prod", key) if key else "",
            name=key.rpartition("::")[2],
            text=text,
        )

    return (
        verdict(
            "new",
            "high",
            "aws-kms-deletion-window",
            "A key can be had back for 30 days",
            "aws:kms/key:Key::keys-models",
            "deletionWindowInDays is 7, and the policy asks for at least 30.",
        ),
        verdict(
            "new",
            "medium",
            "cost-per-month",
            "A stack stays within its budget",
            "",
            "$3,456.55 a month is more than the 3,000 that stacks/prod.json allows.",
            kind="advisory",
        ),
        verdict(
            "fixed",
            "medium",
            "aws-ec2-key-pair",
            "No machine takes an SSH key",
            "aws:ec2/launchTemplate:LaunchTemplate::pools-training-b",
            "keyName is set.",
        ),
        *(
            verdict(
                "remaining",
                "low",
                "aws-s3-object-lock",
                "Buckets of models lock their objects",
                f"aws:s3/bucket:Bucket::storage-{name}",
                "objectLockEnabled is not set.",
                kind="exempt",
            )
            for name in ("datasets", "models", "logs")
        ),
    )


def _dev() -> StackChange:
    pool = "aws:eks/nodeGroup:NodeGroup::pools-training-a"
    parent = "trainyard:aws:GpuPools::pools"
    return stack_change(
        "dev",
        resources=(
            ResourceChange(
                urn=urn("dev", pool),
                type="aws:eks/nodeGroup:NodeGroup",
                name="pools-training-a",
                operation="update",
                stateful=False,
                protected=False,
                properties=(change("instanceTypes", ["g5.xlarge"], ["g6.xlarge", "g5.xlarge"]),),
                usd_per_month_before=0.0,
                usd_per_month_after=0.0,
            ),
        ),
        same=180,
        cost=CostChange(
            before_usd_per_month=212.40,
            after_usd_per_month=212.40,
            before_idle_usd_per_hour=0.291,
            after_idle_usd_per_hour=0.291,
            before_full_usd_per_hour=5.311,
            after_full_usd_per_hour=5.122,
            complete=True,
            unpriced=(),
        ),
        graph=(node("dev", parent, "", "", "same"), node("dev", pool, parent, parent, "update")),
    )

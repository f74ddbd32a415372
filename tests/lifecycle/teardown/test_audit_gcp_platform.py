"""The audit of Google Cloud knows everything that the platform makes there, by the names and labels of its program."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lifecycle.teardown.audit import audit
from lifecycle.teardown.subject import Subject, read_subject
from tests.infra.gcp import variety
from tests.infra.gcp.answers import identifier_of
from tests.infra.recorder import Registered
from tests.infra.stack_files import ROOT, changed, stack_file
from tests.lifecycle.teardown.google_leaks import node_group
from tests.lifecycle.teardown.google_stand_in import BILLING, PROJECT, REGION, GoogleStandIn

Put = Callable[[GoogleStandIn, Registered, str], None]

STACKS = {"data": "gcp-prod", **dict(zip(variety.COMMITTED, variety.COMMITTED, strict=True))}
STACKS |= {case: stack for case, (stack, _) in variety.CHANGES.items()}
"""The stack file that each case begins with."""
GOES_WITH = {
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    "gcp:compute/instanceIAMMember:InstanceIAMMember",
    "gcp:compute/routerNat:RouterNat",
    "gcp:container/nodePool:NodePool",
    "gcp:dns/recordSet:RecordSet",
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    "gcp:kms/keyRing:KeyRing",
    "gcp:serviceaccount/iAMMember:IAMMember",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
}
"""What is a part of something else, or is granted on it."""
STAYS_ON = {"gcp:projects/service:Service", "gcp:projects/serviceIdentity:ServiceIdentity"}
"""What belongs to the project."""


def _compute(place: str, kind: str, *fields: str) -> Put:
    """A resource of Compute Engine with some of its inputs, as links where they are such."""

    def put(cloud: GoogleStandIn, made: Registered, path: str) -> None:
        own = {name: _link(made.inputs[name]) for name in fields if name in made.inputs}
        cloud.compute(place.format(**made.inputs), kind, made.inputs["name"], **own)

    return put


def _link(value: object) -> object:
    is_path = isinstance(value, str) and value.startswith("projects/")
    return f"https://www.googleapis.com/compute/v1/{value}" if is_path else value


def _named(service: str, *fields: str, **more: Any) -> Put:
    """A resource that is told by its path."""

    def put(cloud: GoogleStandIn, made: Registered, path: str) -> None:
        cloud.put(service, path, **{name: made.inputs[name] for name in fields if name in made.inputs}, **more)

    return put


def _key(cloud: GoogleStandIn, made: Registered, path: str) -> None:
    cloud.put("cloudkms", path.partition("/cryptoKeys/")[0])
    cloud.put("cloudkms", path, labels=made.inputs["labels"])
    cloud.put("cloudkms", f"{path}/cryptoKeyVersions/1", state="ENABLED")


def _log_thing(kind: str) -> Put:
    def put(cloud: GoogleStandIn, made: Registered, path: str) -> None:
        name = made.inputs["name"]
        cloud.put("logging", f"projects/{PROJECT}/{kind}/{name}", name=name)

    return put


def _zone(cloud: GoogleStandIn, made: Registered, path: str) -> None:
    name = made.inputs["name"]
    cloud.put("dns", f"projects/{PROJECT}/managedZones/{name}", name=name, dnsName=made.inputs["dnsName"])


def _bucket(cloud: GoogleStandIn, made: Registered, path: str) -> None:
    cloud.put("storage", f"b/{made.inputs['name']}", name=made.inputs["name"], labels=made.inputs["labels"])


def _account(cloud: GoogleStandIn, made: Registered, path: str) -> None:
    cloud.put("iam", path, email=path.rpartition("/")[2])


def _job(cloud: GoogleStandIn, made: Registered, path: str) -> None:
    path = f"projects/{PROJECT}/locations/{REGION}/jobs/{made.inputs['name']}"
    cloud.put("cloudscheduler", path, httpTarget={"uri": made.inputs["httpTarget"]["uri"]})


def _budget(cloud: GoogleStandIn, made: Registered, path: str) -> None:
    counted = {"projects": made.inputs["budgetFilter"]["projects"]}
    cloud.put("billingbudgets", f"{BILLING}/budgets/1", displayName=made.inputs["displayName"], budgetFilter=counted)


def _grant(cloud: GoogleStandIn, made: Registered, path: str) -> None:
    cloud.bindings.append({"role": made.inputs["role"], "members": [made.inputs["member"]]})


KNOWN: dict[str, tuple[str, Put]] = {
    "gcp:artifactregistry/repository:Repository": ("image repository", _named("artifactregistry", "labels")),
    "gcp:billing/budget:Budget": ("budget", _budget),
    "gcp:cloudscheduler/job:Job": ("scheduled job", _job),
    "gcp:compute/disk:Disk": ("disk", _compute("zones/{zone}", "disks", "labels")),
    "gcp:compute/firewall:Firewall": ("firewall", _compute("global", "firewalls", "network")),
    "gcp:compute/globalAddress:GlobalAddress": (
        "internal address",
        _compute("global", "addresses", "network", "address", "addressType"),
    ),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": (
        "forwarding rule",
        _compute("global", "forwardingRules", "network"),
    ),
    "gcp:compute/instance:Instance": ("machine", _compute("zones/{zone}", "instances", "labels")),
    "gcp:compute/network:Network": ("network", _compute("global", "networks")),
    "gcp:compute/route:Route": ("route", _compute("global", "routes", "network")),
    "gcp:compute/router:Router": ("router with its NAT", _compute("regions/{region}", "routers", "network")),
    "gcp:compute/subnetwork:Subnetwork": ("subnet", _compute("regions/{region}", "subnetworks", "network")),
    "gcp:container/cluster:Cluster": ("GKE cluster", _named("container", "name", "location")),
    "gcp:dns/managedZone:ManagedZone": ("zone of names", _zone),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": ("identity pool", _named("iam", "displayName")),
    "gcp:kms/cryptoKey:CryptoKey": ("KMS key version", _key),
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": ("log bucket", _named("logging")),
    "gcp:logging/projectExclusion:ProjectExclusion": ("log exclusion", _log_thing("exclusions")),
    "gcp:logging/projectSink:ProjectSink": ("log sink", _log_thing("sinks")),
    "gcp:monitoring/notificationChannel:NotificationChannel": (
        "notification channel",
        _named("monitoring", "userLabels"),
    ),
    "gcp:projects/iAMCustomRole:IAMCustomRole": ("role", _named("iam", "title")),
    "gcp:serviceaccount/account:Account": ("service account", _account),
    "gcp:storage/bucket:Bucket": ("bucket", _bucket),
}
"""By type: what the audit calls it, and how the stand-in comes to have it."""
PROJECT_GRANT = "gcp:projects/iAMMember:IAMMember"


@pytest.mark.parametrize("case", variety.CASES)
def test_everything_that_the_platform_makes_is_known_to_the_audit(
    google: GoogleStandIn, tmp_path: Path, case: str
) -> None:
    subject = _subject(tmp_path, case)
    own = f"serviceAccount:{subject.cluster_name}-"
    expected: list[str] = []
    grants = set()
    for each in variety.registered(case):
        if each.type in GOES_WITH | STAYS_ON:
            continue
        if each.type == PROJECT_GRANT:
            _grant(google, each, "")
            if each.inputs["member"].startswith(own):
                grants.add(f"{each.inputs['role']} to {each.inputs['member']}")
            continue
        kind, put = KNOWN[each.type]
        put(google, each, identifier_of(each.type, each.name, each.inputs))
        expected.append(kind)
    report = audit(subject)
    assert report.problems == ()
    found = [each.kind for each in report.leftovers if each.kind != "grant"]
    assert sorted(found) == sorted(expected)
    assert {each.id for each in report.leftovers if each.kind == "grant"} == grants


@pytest.mark.parametrize("case", variety.CASES)
def test_a_node_of_each_of_the_platform_s_pools_is_known_when_it_is_gone(
    google: GoogleStandIn, tmp_path: Path, case: str
) -> None:
    subject = _subject(tmp_path, case)
    pools = [each for each in variety.registered(case) if each.type == "gcp:container/nodePool:NodePool"]
    assert not any("name" in each.inputs for each in pools)
    for each in pools:
        node = f"{node_group(subject.cluster_name, f'{each.name}-1a2b3c4', '01234567')}-a1b2"
        gone = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/{REGION}-b/instances/{node}"
        google.compute(f"regions/{REGION}", "targetPools", f"of-{each.name}", instances=[gone])
    found = {each.id for each in audit(subject).leftovers}
    assert found == {f"of-{each.name}" for each in pools}


def _subject(folder: Path, case: str) -> Subject:
    """The stack as its own file describes it, with the case's changes."""
    config = stack_file(STACKS[case])
    if case in variety.CHANGES:
        config = changed(config, variety.CHANGES[case][1])
    if case == "data":
        config["trainyard:part"] = "data"
    stack = "data" if case == "data" else STACKS[case]
    (folder / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
    return read_subject(folder, stack)

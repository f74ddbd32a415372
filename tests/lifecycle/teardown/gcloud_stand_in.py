"""Command lines of gcloud, done to the stand-in: the commands that an audit prints, and no others.

gcloud itself is in no package registry. What each command takes is written from its reference page, "gcloud COMMAND".
"""

import shlex
from collections.abc import Iterable

from tests.lifecycle.teardown.google_stand_in import BILLING, PROJECT, GoogleStandIn

_COMPUTE = {
    "addresses": ("addresses", "place"),
    "backend-services": ("backendServices", "place"),
    "disks": ("disks", "place"),
    "firewall-rules": ("firewalls", ""),
    "forwarding-rules": ("forwardingRules", "place"),
    "health-checks": ("healthChecks", "place"),
    "http-health-checks": ("httpHealthChecks", ""),
    "instance-groups managed": ("instanceGroupManagers", "place"),
    "instance-groups unmanaged": ("instanceGroups", "place"),
    "instance-templates": ("instanceTemplates", ""),
    "instances": ("instances", "place"),
    "network-endpoint-groups": ("networkEndpointGroups", "place"),
    "networks": ("networks", ""),
    "networks subnets": ("subnetworks", "place"),
    "routers": ("routers", "place"),
    "routes": ("routes", ""),
    "service-attachments": ("serviceAttachments", "place"),
    "snapshots": ("snapshots", ""),
    "target-http-proxies": ("targetHttpProxies", "place"),
    "target-pools": ("targetPools", "place"),
    "url-maps": ("urlMaps", "place"),
}
"""The groups of `gcloud compute` that delete one thing by its name: what that is, and whether they are told where."""
_OTHERS = {
    "artifacts repositories delete": ("artifactregistry", "repositories"),
    "container clusters delete": ("container", "clusters"),
    "iam workload-identity-pools delete": ("iam", "workloadIdentityPools"),
    "logging buckets delete": ("logging", "buckets"),
    "scheduler jobs delete": ("cloudscheduler", "jobs"),
}
"""Those that take `--location`."""
_PLAIN = {
    "dns managed-zones delete": ("dns", "managedZones"),
    "iam roles delete": ("iam", "roles"),
    "iam service-accounts delete": ("iam", "serviceAccounts"),
    "logging sinks delete": ("logging", "sinks"),
}
"""Those that need nothing but the name."""


def run(cloud: GoogleStandIn, lines: Iterable[str]) -> None:
    """Does what each line says. Raises AssertionError for one that gcloud would not take, or Google would refuse."""
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "gcloud", line
        options = dict(word.removeprefix("--").partition("=")[::2] for word in words if word.startswith("--"))
        rest = [word for word in words[1:] if not word.startswith("--")]
        assert options.pop("project") == PROJECT, line
        # It asks nothing.
        assert options.pop("quiet") == "", line
        _one(cloud, rest, options)


def _one(cloud: GoogleStandIn, rest: list[str], options: dict[str, str]) -> None:
    *command, name = rest
    words = " ".join(command)
    project = f"projects/{PROJECT}"
    match command:
        case ["compute", *_, "delete"]:
            kind, told = _COMPUTE[" ".join(command[1:-1])]
            place = _place(options) if told else "global"
            cloud.delete("compute", f"{project}/{place}/{kind}/{name}")
            protected = cloud.resources.get(("compute", f"{project}/{place}/{kind}/{name}"))
            assert protected is None
        case ["compute", "instances", "update"]:
            assert options.pop("no-deletion-protection") == ""
            cloud.resources["compute", f"{project}/{_place(options)}/instances/{name}"]["deletionProtection"] = False
        case ["compute", "instances", "detach-disk"]:
            disk = options.pop("disk")
            options.pop("disk-scope", None)
            for (_, path), each in cloud.resources.items():
                if path.endswith(f"/disks/{disk}"):
                    each["users"] = []
            _place(options)
        case ["storage", "rm"]:
            assert options.pop("recursive") == ""
            cloud.delete("storage", name.replace("gs://", "b/"))
        case ["kms", "keys", "versions", "destroy"]:
            ring = f"{project}/locations/{options.pop('location')}/keyRings/{options.pop('keyring')}"
            version = cloud.resources["cloudkms", f"{ring}/cryptoKeys/{options.pop('key')}/cryptoKeyVersions/{name}"]
            version.update(state="DESTROY_SCHEDULED", destroyTime="2026-12-24T10:00:00Z")
        case ["kms", "keys", "remove-rotation-schedule"]:
            ring = f"{project}/locations/{options.pop('location')}/keyRings/{options.pop('keyring')}"
            cloud.resources["cloudkms", f"{ring}/cryptoKeys/{name}"].pop("nextRotationTime", None)
        case ["logging", "sinks", "update"]:
            assert name == "_Default"
            cloud.delete("logging", f"{project}/exclusions/{options.pop('remove-exclusions')}")
        case ["billing", "budgets", "delete"]:
            assert options.pop("billing-account") == BILLING.rpartition("/")[2]
            cloud.delete("billingbudgets", f"{BILLING}/budgets/{name}")
        case ["beta", "monitoring", "channels", "delete"]:
            assert options.pop("force") == ""
            cloud.delete("monitoring", name)
        case ["dns", "record-sets", "delete"]:
            zone = f"{project}/managedZones/{options.pop('zone')}"
            cloud.delete("dns", f"{zone}/rrsets/{name}|{options.pop('type')}")
        case ["projects", "remove-iam-policy-binding"]:
            assert (name, options.pop("all")) == (PROJECT, "")
            _unbind(cloud, options.pop("member"), options.pop("role"))
        case _ if words in _OTHERS:
            service, kind = _OTHERS[words]
            cloud.delete(service, f"{project}/locations/{options.pop('location')}/{kind}/{name}")
        case _ if words in _PLAIN:
            service, kind = _PLAIN[words]
            cloud.delete(service, f"{project}/{kind}/{name}")
        case _:
            raise AssertionError(f"no such command: {words}")
    assert not options, (words, options)


def _place(options: dict[str, str]) -> str:
    if "global" in options:
        assert options.pop("global") == ""
        return "global"
    kind = "zone" if "zone" in options else "region"
    return f"{kind}s/{options.pop(kind)}"


def _unbind(cloud: GoogleStandIn, member: str, role: str) -> None:
    bindings = [each for each in cloud.bindings if each["role"] == role and member in each["members"]]
    assert bindings, (member, role)
    for each in bindings:
        each["members"].remove(member)

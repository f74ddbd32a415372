"""The KMS keys: one for each purpose, so that whoever may use one may not use another.

data encrypts the buckets and wraps the keys of envelope encryption; secrets encrypts Kubernetes secrets in etcd; logs
the log buckets; volumes the disks of nodes and machines; images the registry. Each rotates by itself, and its versions
can be rescued for some days after they were destroyed.

Google's provider deletes neither key rings nor keys: `destroy` destroys the versions of a key and forgets the rest, and
the name of a key cannot be used again even where the API deletes the key (Cloud KMS, "Cloud KMS resources", object
deletion). So neither has a fixed name. Each gets a random end from Pulumi, and a destroyed stack can be made anew; the
old ring stays behind, of no use and free of charge.
How long a version can be rescued, and whether hardware keeps it, cannot be changed either: with another setting there
is another key, and what the old one encrypts is lost. In production Pulumi refuses.

Each of Google's services encrypts by its service agent. An agent may use the one key that it needs, by a grant on that
key, and nobody may use all keys of the ring. What is handed on as a key's id is known only when its agents may use it.
Agents are named by the project's number, so nothing is looked up. Most do not exist before their service is first used,
and who does not exist can be granted nothing: `ServiceIdentity` has Google make them (IAM, "Create and grant roles to
service agents"). That of Compute Engine comes with its API. Those that are asked for come without the roles that Google
grants by itself otherwise, so these are granted, too, and stay when the stack goes: whatever else is in the project
needs them, such as other clusters, and the policies by which Artifact Registry removes images.

The agent of Cloud Logging encrypts log buckets in all projects but those that used a key of their own for logs before
2024, whose account is called cmek-... (`gcloud logging settings describe --project PROJECT` tells; Cloud Logging,
"Configure CMEK for log buckets"). Grants of IAM take effect within minutes: where a service refuses a key that is new,
`up` once more goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.settings import KeySettings
from infra.known_output import known_when

Purpose = Literal["data", "secrets", "logs", "volumes", "images"]

AGENTS: Mapping[Purpose, tuple[str, ...]] = {
    "data": ("storage",),
    "secrets": ("container",),
    "logs": ("logging",),
    "volumes": ("compute",),
    "images": ("artifactregistry",),
}
"""Whose service agents use the key of a purpose. Sources: Cloud Storage, "Use customer-managed encryption keys"; GKE,
"Encrypt Secrets at the application layer"; Cloud Logging, "Configure CMEK for log buckets"; GKE, "Use customer-managed
encryption keys", by which Compute Engine's agent alone encrypts boot disks and those of persistent volumes; Artifact
Registry, "Enable customer-managed encryption keys"."""

USE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
"""To encrypt and decrypt with a key, and nothing else."""

_DESCRIPTIONS: Mapping[Purpose, str] = {
    "data": "buckets-and-envelope-encryption",
    "secrets": "kubernetes-secrets",
    "logs": "log-buckets",
    "volumes": "disks-of-nodes-and-machines",
    "images": "container-images",
}
"""What a key is for, in the characters of a label: keys have no description."""

_MADE_WITH_THEIR_API = frozenset({"compute"})
_ROLES = {
    "artifactregistry": "roles/artifactregistry.serviceAgent",
    "container": "roles/container.serviceAgent",
    "logging": "roles/logging.serviceAgent",
}
"""What agents have that are made by themselves. That of Cloud Storage has none. Source: IAM, "Service agents"."""
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class KeysArguments:
    """What the keys are made from."""

    names: Names
    settings: KeySettings
    production: bool
    """Whether Pulumi refuses to delete them."""
    purposes: Sequence[Purpose] = get_args(Purpose)
    """What there is a key for."""


class Keys(pulumi.ComponentResource):
    """A key ring in the stack's region, and a key for each purpose."""

    ids: Mapping[Purpose, pulumi.Output[str]]
    """Resource name of each key that was made, known when its service agents may use it."""
    key_ring_id: pulumi.Output[str]
    """Resource name of the ring, for the keys that others make."""

    def __init__(self, name: str, args: KeysArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Keys", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        # A ring has neither labels nor a description: the beginning of its name tells for ever whose it was.
        ring = gcp.kms.KeyRing(
            f"{args.names.prefix}-{name}",
            project=args.names.project_id,
            location=args.names.region,
            opts=pulumi.ResourceOptions(parent=self, protect=args.production),
        )
        self.key_ring_id = ring.id
        self.ids = {purpose: self._make_key(name, purpose) for purpose in args.purposes}
        self.register_outputs({"ids": self.ids})

    def _make_key(self, name: str, purpose: Purpose) -> pulumi.Output[str]:
        services = AGENTS[purpose]
        first = [made for service in services for made in self._make_agent(name, service)]
        return make_key(
            f"{name}-{purpose}",
            self._args,
            self.key_ring_id,
            description=_DESCRIPTIONS[purpose],
            agents={service: self._args.names.service_agent(service) for service in services},
            opts=pulumi.ResourceOptions(parent=self, depends_on=first),
        )

    def _make_agent(self, name: str, service: str) -> list[pulumi.Resource]:
        if service in _MADE_WITH_THEIR_API:
            return []
        project = self._args.names.project_id
        # What it answers is not used: for some services it knows no address, though it has made the agent.
        agent = gcp.projects.ServiceIdentity(
            f"{name}-{service}", project=project, service=f"{service}.googleapis.com", opts=self._child
        )
        if service not in _ROLES:
            return [agent]
        role = gcp.projects.IAMMember(
            f"{name}-{service}",
            project=project,
            role=_ROLES[service],
            member=self._args.names.service_agent(service),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[agent], retain_on_delete=True),
        )
        return [role]


def make_key(
    name: str,
    args: KeysArguments,
    key_ring_id: pulumi.Input[str],
    *,
    description: str,
    agents: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """A key that rotates, and who may use it: its resource name, known when they may.

    :param description: What it is for, in the characters of a label's value.
    :param agents: The members that may encrypt and decrypt with it, by what the grants are called.
    :param opts: What the key and its grants have as parent, and wait for.
    """
    settings = args.settings
    key = gcp.kms.CryptoKey(
        name,
        key_ring=key_ring_id,
        purpose="ENCRYPT_DECRYPT",
        rotation_period=f"{settings.rotation_days * _SECONDS_A_DAY}s",
        destroy_scheduled_duration=f"{settings.destroy_after_days * _SECONDS_A_DAY}s",
        version_template=gcp.kms.CryptoKeyVersionTemplateArgs(
            algorithm="GOOGLE_SYMMETRIC_ENCRYPTION",
            protection_level="HSM" if settings.hardware else "SOFTWARE",
        ),
        labels={"purpose": description},
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                protect=args.production,
                # Neither can be changed: the provider would make another key, and destroy what the data needs.
                ignore_changes=["destroyScheduledDuration", "versionTemplate.protectionLevel"],
            ),
        ),
    )
    grants = [
        gcp.kms.CryptoKeyIAMMember(f"{name}-{agent}", crypto_key_id=key.id, role=USE, member=member, opts=opts)
        for agent, member in agents.items()
    ]
    return known_when(key.id, grants)

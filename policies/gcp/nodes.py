"""Rules for GKE node pools and machines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import Unknown, any_holds, as_list, get, is_text, is_true, known

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
MACHINES = (
    "gcp:compute/instance:Instance",
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
)
FROM_ELSEWHERE = (
    "gcp:compute/instanceFromTemplate:InstanceFromTemplate",
    "gcp:compute/instanceFromMachineImage:InstanceFromMachineImage",
)
"""Machines that say only in what they differ from a template or an image."""
DISKS = ("gcp:compute/disk:Disk", "gcp:compute/regionDisk:RegionDisk")
PROJECT_METADATA = "gcp:compute/projectMetadata:ProjectMetadata"
PROJECT_METADATA_ITEM = "gcp:compute/projectMetadataItem:ProjectMetadataItem"

_DEFAULT_ACCOUNT = "-compute@developer.gserviceaccount.com"


@dataclass(frozen=True)
class Pool:
    """Where a node pool is described within a resource."""

    name: str
    config: tuple[str | int, ...]
    """Path of what each node is."""
    management: tuple[str | int, ...]
    automatic: bool = False
    """Autopilot's: the program chooses little of it."""


def pools(subject: Resource) -> Iterator[Pool]:
    """The node pools of a NodePool or of a Cluster: those written in it, the default one, those that GKE creates."""
    if subject.type == NODE_POOL:
        yield Pool("The node pool", ("nodeConfig",), ("management",))
        return
    provisioned = ("clusterAutoscaling", "autoProvisioningDefaults")
    if is_true(subject.get("enableAutopilot")):
        yield Pool("The cluster's pool", provisioned, (*provisioned, "management"), automatic=True)
        return
    written = len(as_list(subject.get("nodePools")))
    for index in range(written):
        yield Pool(f"Node pool {index}", ("nodePools", index, "nodeConfig"), ("nodePools", index, "management"))
    if not written and not is_true(subject.get("removeDefaultNodePool")):
        # GKE manages the default pool as the release channel has it; the cluster cannot say otherwise.
        yield Pool("The default node pool", ("nodeConfig",), ())
    if is_true(subject.get("clusterAutoscaling", "enabled")):
        yield Pool("An automatically created node pool", provisioned, (*provisioned, "management"))


def _is_default_account(subject: Resource, *path: str | int) -> bool:
    if not is_given(subject, *path):
        return True
    account = subject.get(*path)
    return not isinstance(account, Unknown) and (account == "default" or account.endswith(_DEFAULT_ACCOUNT))


@related_rule(
    NODE_POOL,
    CLUSTER,
    id="gcp-nodes-own-account",
    title="Nodes of GKE clusters run under a service account of their own.",
    severity="high",
    frameworks=("CKV2_GCP_1", "CIS GKE 1.6.0 5.2.1", "NIST AC-6"),
    wrong="The default account of Compute Engine may be editor of the whole project, and so is whoever holds a node.",
    mend="create a service account with roles/container.defaultNodeServiceAccount and set nodeConfig.serviceAccount;"
    " on Autopilot, clusterAutoscaling.autoProvisioningDefaults.serviceAccount.",
)
def nodes_own_account(subject: Resource, _stack: Stack) -> Iterator[str]:
    """Where none is named, it is the default account."""
    for pool in pools(subject):
        with subject.apart():
            if _is_default_account(subject, *pool.config, "serviceAccount"):
                yield f"{pool.name} runs under the default service account."


@resource_rule(
    NODE_POOL,
    CLUSTER,
    id="gcp-nodes-shielded",
    title="Nodes of GKE clusters start only software that is signed, and prove it.",
    severity="medium",
    frameworks=(
        "CKV_GCP_68",
        "CKV_GCP_71",
        "CKV_GCP_72",
        "CIS GKE 1.6.0 5.5.5",
        "CIS GKE 1.6.0 5.5.6",
        "CIS GKE 1.6.0 5.5.7",
        "NIST SI-7",
    ),
    wrong="A changed kernel survives every restart of the node, and another machine can pose as a node.",
    mend="set nodeConfig.shieldedInstanceConfig with enableSecureBoot true, and leave enableIntegrityMonitoring and the"
    " cluster's enableShieldedNodes on.",
)
def nodes_shielded(subject: Resource) -> Iterator[str]:
    """Secure boot is off unless the pool says otherwise; the other two are on."""
    with subject.apart():
        if subject.type == CLUSTER and not is_true(subject.get("enableShieldedNodes", default=True)):
            yield "The cluster's nodes are not shielded."
    for pool in pools(subject):
        if pool.automatic:
            continue
        with subject.apart():
            if not is_true(subject.get(*pool.config, "shieldedInstanceConfig", "enableSecureBoot")):
                yield f"{pool.name} does not boot securely."
        with subject.apart():
            if not is_true(
                subject.get(*pool.config, "shieldedInstanceConfig", "enableIntegrityMonitoring", default=True)
            ):
                yield f"{pool.name} is not monitored for changed software."


@resource_rule(
    NODE_POOL,
    CLUSTER,
    id="gcp-nodes-maintained",
    title="Nodes of GKE clusters are upgraded and repaired without anyone's doing.",
    severity="medium",
    frameworks=("CKV_GCP_9", "CKV_GCP_10", "CIS GKE 1.6.0 5.5.2", "CIS GKE 1.6.0 5.5.3", "NIST SI-2"),
    wrong="Known faults stay open on the nodes.",
    mend="leave management.autoUpgrade and management.autoRepair on.",
)
def nodes_maintained(subject: Resource) -> Iterator[str]:
    """Both are on unless the pool says otherwise. Of flex-start and of queued provisioning GKE repairs no node: each
    lives for a job or for days, and the next may not be had. Source: GKE, "Run a large-scale workload with flex-start".
    """
    for pool in pools(subject):
        if pool.automatic or not pool.management:
            continue
        for name, done in (("autoUpgrade", "upgraded"), ("autoRepair", "repaired")):
            with subject.apart():
                if name == "autoRepair" and any_holds(is_true, _short_lived(subject, pool)):
                    continue
                if not is_true(subject.get(*pool.management, name, default=True)):
                    yield f"{pool.name} is not {done}."


def _short_lived(subject: Resource, pool: Pool) -> tuple[Any, Any]:
    return subject.get(*pool.config, "flexStart"), subject.get("queuedProvisioning", "enabled")


@resource_rule(
    NODE_POOL,
    CLUSTER,
    id="gcp-nodes-metadata-guarded",
    title="Pods on GKE cannot take their node's credentials from its metadata.",
    severity="high",
    frameworks=("CKV_GCP_69", "CIS GKE 1.6.0 5.4.1", "NIST AC-6"),
    wrong="Every pod can ask the metadata server for a token of the node's service account.",
    mend="set nodeConfig.workloadMetadataConfig.mode to GKE_METADATA, and take disable-legacy-endpoints false out of"
    " nodeConfig.metadata.",
)
def nodes_metadata_guarded(subject: Resource) -> Iterator[str]:
    """Where the cluster has a workload identity pool, which has a rule of its own, the guard is on by default."""
    for pool in pools(subject):
        if pool.automatic:
            continue
        with subject.apart():
            mode = subject.get(*pool.config, "workloadMetadataConfig", "mode", default="GKE_METADATA")
            if mode != "GKE_METADATA":
                yield f"{pool.name} shows pods the metadata of the machine ({mode})."
        with subject.apart():
            if not is_true(subject.get(*pool.config, "metadata", "disable-legacy-endpoints", default=True)):
                yield f"{pool.name} has the legacy metadata endpoints, which any request reaches."


@resource_rule(
    NODE_POOL,
    CLUSTER,
    id="gcp-nodes-container-optimized",
    title="Nodes of GKE clusters run Container-Optimized OS.",
    severity="low",
    frameworks=("CKV_GCP_22", "CIS GKE 1.6.0 5.5.1", "NIST CM-6", "NIST CM-7"),
    wrong="A general system has more that can be broken into, and a root file system that can be written.",
    mend="take nodeConfig.imageType out, or set it to COS_CONTAINERD.",
    parameters={"image_types": Parameter(("COS_CONTAINERD",), "Image types that nodes may have.")},
)
def nodes_container_optimized(subject: Resource, image_types: Sequence[str]) -> Iterator[str]:
    """It is what nodes have unless the pool says otherwise."""
    for pool in pools(subject):
        if pool.automatic:
            continue
        with subject.apart():
            image = subject.get(*pool.config, "imageType", default=image_types[0] if image_types else "COS_CONTAINERD")
            if image.upper() not in image_types:
                yield f"{pool.name} runs {image}."


@related_rule(
    NODE_POOL,
    CLUSTER,
    id="gcp-nodes-customer-managed-key",
    title="Disks of GKE nodes are encrypted under a key of the customer's own.",
    severity="medium",
    frameworks=("CIS GKE 1.6.0 5.9.2", "NIST SC-12", "NIST SC-28"),
    wrong="Nobody can withdraw the key of a disk, which holds images, logs and what pods write.",
    mend="set nodeConfig.bootDiskKmsKey to the id of a CryptoKey.",
)
def nodes_customer_managed_key(subject: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, Google encrypts with a key of its own."""
    for pool in pools(subject):
        if pool.automatic:
            continue
        with subject.apart():
            if not is_given(subject, *pool.config, "bootDiskKmsKey"):
                yield f"{pool.name} has disks without a key in Cloud KMS."


@related_rule(
    *MACHINES,
    *DISKS,
    id="gcp-machine-customer-managed-key",
    title="Disks of machines on Google Cloud are encrypted under a key of the customer's own.",
    severity="medium",
    level="advisory",
    frameworks=("CKV_GCP_37", "CKV_GCP_38", "CIS GCP 3.0.0 4.7", "NIST SC-12", "NIST SC-28"),
    wrong="Nobody can withdraw the key of a disk, which holds data, code and what people left there.",
    mend="set bootDisk.kmsKeySelfLink (of a disk and a template: diskEncryptionKey) to the id of a CryptoKey.",
)
def machine_customer_managed_key(machine: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, Google encrypts with a key of its own. A disk that is only attached says it by itself."""
    if machine.type == MACHINES[0]:
        if known(machine.get("bootDisk", "source")) is None and not is_given(machine, "bootDisk", "kmsKeySelfLink"):
            yield "The machine's boot disk has no key in Cloud KMS."
        return
    for path in _disks(machine):
        with machine.apart():
            if not is_given(machine, *path, "diskEncryptionKey", "kmsKeySelfLink"):
                yield "A disk has no key in Cloud KMS."


def _disks(machine: Resource) -> Iterator[tuple[str | int, ...]]:
    if machine.type in DISKS:
        yield ()
        return
    for index, disk in enumerate(as_list(machine.get("disks"))):
        with machine.apart():
            if known(get(disk, "source")) is None and known(get(disk, "type", default="PERSISTENT")) != "SCRATCH":
                yield ("disks", index)


@resource_rule(
    *MACHINES,
    *FROM_ELSEWHERE,
    id="gcp-machine-no-public-address",
    title="Machines on Google Cloud have no public addresses.",
    severity="high",
    frameworks=("CKV_GCP_40", "CIS GCP 3.0.0 4.9", "NIST SC-7"),
    wrong="The whole internet can try every service on it that the firewalls let through.",
    mend="take accessConfigs and ipv6AccessConfigs out of networkInterfaces; go out by Cloud NAT, and come in by"
    " Identity-Aware Proxy.",
)
def machine_no_public_address(machine: Resource) -> Iterator[str]:
    """An empty access configuration gets a public address that changes."""
    for index, _ in enumerate(as_list(machine.get("networkInterfaces"))):
        for name in ("accessConfigs", "ipv6AccessConfigs"):
            with machine.apart():
                if as_list(machine.get("networkInterfaces", index, name)):
                    yield f"Its network interface {index} has a public address."


@related_rule(
    *MACHINES,
    id="gcp-machine-own-account",
    title="Machines on Google Cloud run under a service account of their own, or under none.",
    severity="high",
    frameworks=("CKV_GCP_30", "CKV_GCP_31", "CIS GCP 3.0.0 4.1", "CIS GCP 3.0.0 4.2", "NIST AC-6"),
    wrong="The default account may be editor of the whole project, and so is whoever gets into the machine.",
    mend="name a service account that has only the roles that it needs, as serviceAccount.email.",
)
def machine_own_account(machine: Resource, _stack: Stack) -> Iterator[str]:
    """A machine without the block has no account; one with the block and without email has the default one."""
    if known(machine.get("serviceAccount")) and _is_default_account(machine, "serviceAccount", "email"):
        yield "The machine runs under the default service account."


@resource_rule(
    *MACHINES,
    id="gcp-machine-shielded",
    title="Machines on Google Cloud start only software that is signed, and prove it.",
    severity="medium",
    frameworks=("CKV_GCP_39", "CIS GCP 3.0.0 4.8", "NIST SI-7"),
    wrong="A changed kernel or driver survives every restart of the machine, and nobody sees it.",
    mend="set shieldedInstanceConfig with enableSecureBoot true, and leave the others on.",
)
def machine_shielded(machine: Resource) -> Iterator[str]:
    """Secure boot is off unless the machine says otherwise; the other two are on."""
    for name, default in (("enableSecureBoot", False), ("enableVtpm", True), ("enableIntegrityMonitoring", True)):
        with machine.apart():
            if not is_true(machine.get("shieldedInstanceConfig", name, default=default)):
                yield f"{name} is off."


@related_rule(
    *MACHINES,
    id="gcp-machine-login-by-iam",
    title="People enter machines on Google Cloud with their own identity, or not at all.",
    severity="medium",
    frameworks=("CKV_GCP_32", "CKV_GCP_33", "CKV_GCP_34", "CIS GCP 3.0.0 4.3", "CIS GCP 3.0.0 4.4", "NIST AC-2"),
    wrong="Keys in metadata open every machine of the project, for people who have left as well.",
    mend='set metadata enable-oslogin to "TRUE" on the machine or the project, or block-project-ssh-keys to "TRUE".',
)
def machine_login_by_iam(machine: Resource, stack: Stack) -> Iterator[str]:
    """OS Login asks IAM, and ignores keys in metadata."""
    own = machine.get("metadata", "enable-oslogin")
    if is_true(own):
        return
    if own is None and any_holds(_turns_login_on, stack.of(PROJECT_METADATA, PROJECT_METADATA_ITEM)):
        return
    if is_text(machine.get("metadata", "ssh-keys")):
        yield "The machine has SSH keys in its metadata."
    elif not is_true(machine.get("metadata", "block-project-ssh-keys")):
        yield "The machine takes the SSH keys of the whole project."


def _turns_login_on(metadata: Resource) -> bool:
    if metadata.type == PROJECT_METADATA_ITEM:
        return metadata.get("key", default="") == "enable-oslogin" and is_true(metadata.get("value"))
    return is_true(metadata.get("metadata", "enable-oslogin"))


@resource_rule(
    *MACHINES,
    PROJECT_METADATA,
    PROJECT_METADATA_ITEM,
    id="gcp-machine-no-serial-port",
    title="Nobody reaches machines by their serial port.",
    severity="medium",
    frameworks=("CKV_GCP_35", "CIS GCP 3.0.0 4.5", "NIST AC-17", "NIST CM-7"),
    wrong="The port has no firewall: any address that has a key can connect.",
    mend="take serial-port-enable out of the metadata.",
)
def machine_no_serial_port(subject: Resource) -> Iterator[str]:
    """Its output can be read without it."""
    if subject.type == PROJECT_METADATA_ITEM:
        value = subject.get("value") if subject.get("key", default="") == "serial-port-enable" else None
    else:
        value = subject.get("metadata", "serial-port-enable")
    if is_true(value) or known(value) in (1, "1"):
        yield "The serial port can be connected to."


RULES = (
    nodes_own_account,
    nodes_shielded,
    nodes_maintained,
    nodes_metadata_guarded,
    nodes_container_optimized,
    nodes_customer_managed_key,
    machine_customer_managed_key,
    machine_no_public_address,
    machine_own_account,
    machine_shielded,
    machine_login_by_iam,
    machine_no_serial_port,
)

"""Rules for GKE clusters.

An Autopilot cluster has several of these protections whatever the program says; there it is not asked for them.
"""

from collections.abc import Iterator, Sequence

from policies.addresses import is_internet, is_whole_internet
from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import as_list, get, is_true, known

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"

_ENFORCING = ("PROJECT_SINGLETON_POLICY_ENFORCE", "POLICY_BINDINGS_AND_PROJECT_SINGLETON_POLICY_ENFORCE")
_SYSTEM = "SYSTEM_COMPONENTS"


@resource_rule(
    CLUSTER,
    NODE_POOL,
    id="gcp-cluster-private-nodes",
    title="Nodes of GKE clusters have no public addresses.",
    severity="high",
    frameworks=("CKV_GCP_25", "CKV_GCP_64", "CIS GKE 1.6.0 5.6.5", "NIST SC-7"),
    wrong="The whole internet can then try the services of every node.",
    mend="set privateClusterConfig with enablePrivateNodes true, and take enablePrivateNodes false out of node pools.",
)
def cluster_private_nodes(subject: Resource) -> Iterator[str]:
    """A node pool is as its cluster is, unless it says otherwise, by itself or within the cluster."""
    if subject.type == NODE_POOL:
        if known(subject.get("networkConfig", "enablePrivateNodes")) is False:
            yield "The node pool's nodes have public addresses."
        return
    with subject.apart():
        if not is_true(subject.get("privateClusterConfig", "enablePrivateNodes")):
            yield "The cluster's nodes have public addresses."
    for index, pool in enumerate(as_list(subject.get("nodePools"))):
        with subject.apart():
            if known(get(pool, "networkConfig", "enablePrivateNodes")) is False:
                yield f"The nodes of node pool {index} have public addresses."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-endpoint-restricted",
    title="The internet does not reach the control plane of a GKE cluster.",
    severity="critical",
    frameworks=(
        "CKV_GCP_18",
        "CKV_GCP_20",
        "CIS GKE 1.6.0 5.6.3",
        "CIS GKE 1.6.0 5.6.4",
        "NIST SC-7",
    ),
    wrong="Whoever has a stolen credential, or a fault of the API server to use, can then do so from anywhere.",
    mend="set privateClusterConfig.enablePrivateEndpoint, or turn controlPlaneEndpointsConfig.ipEndpointsConfig off and"
    " use the DNS endpoint, or name ranges in masterAuthorizedNetworksConfig.",
)
def cluster_endpoint_restricted(cluster: Resource) -> Iterator[str]:
    """Before the DNS endpoint stands Google's front end, which asks IAM first, unless it lets other credentials by."""
    dns = cluster.get("controlPlaneEndpointsConfig", "dnsEndpointConfig")
    with cluster.apart():
        if is_true(get(dns, "allowExternalTraffic")):
            for name in ("enableK8sTokensViaDns", "enableK8sCertsViaDns"):
                with cluster.apart():
                    if is_true(get(dns, name)):
                        yield f"Its DNS endpoint takes credentials from outside that IAM does not know ({name})."
    addresses = cluster.get("controlPlaneEndpointsConfig", "ipEndpointsConfig", "enabled", default=True)
    if not is_true(addresses) or is_true(cluster.get("privateClusterConfig", "enablePrivateEndpoint")):
        return
    authorized = known(cluster.get("masterAuthorizedNetworksConfig"))
    if authorized is None:
        yield "Its control plane has a public endpoint that every address reaches."
        return
    with cluster.apart():
        if is_true(get(authorized, "gcpPublicCidrsAccessEnabled")):
            yield "Its control plane is reached from every machine on Google Cloud, other customers' too."
    ranges = [get(block, "cidrBlock", default="") for block in as_list(get(authorized, "cidrBlocks"))]
    wide = False
    for cidr in ranges:
        with cluster.apart():
            if is_whole_internet(cidr):
                wide = True
                yield f"Its control plane is reached from {cidr}."
    if not wide and is_internet(ranges):
        yield "Its control plane is reached from most of the internet, by all ranges together."


@related_rule(
    CLUSTER,
    id="gcp-cluster-secrets-encrypted",
    title="Kubernetes secrets on GKE are encrypted with a key in Cloud KMS.",
    severity="high",
    frameworks=("CIS GKE 1.6.0 5.3.1", "NIST SC-12", "NIST SC-28"),
    wrong="Whoever obtains a copy of the cluster's database reads every secret in it.",
    mend="set databaseEncryption with state ENCRYPTED and keyName, the id of a CryptoKey.",
)
def cluster_secrets_encrypted(cluster: Resource, _stack: Stack) -> Iterator[str]:
    """The disk below is encrypted in any case; this is a layer of its own, for what is in the database."""
    if cluster.get("databaseEncryption", "state", default="DECRYPTED") == "DECRYPTED":
        yield "The cluster's secrets are not encrypted by themselves."
    elif not is_given(cluster, "databaseEncryption", "keyName"):
        yield "The cluster's secrets are encrypted without a key in Cloud KMS."


@related_rule(
    CLUSTER,
    id="gcp-cluster-workload-identity",
    title="Pods on GKE have identities of their own.",
    severity="high",
    frameworks=("CIS GKE 1.6.0 5.2.2", "NIST AC-6", "NIST IA-9"),
    wrong="Every pod then has the rights of its node, or carries a service account's key.",
    mend="set workloadIdentityConfig.workloadPool to PROJECT.svc.id.goog.",
)
def cluster_workload_identity(cluster: Resource, _stack: Stack) -> Iterator[str]:
    """Autopilot has it always."""
    if not is_true(cluster.get("enableAutopilot")) and not is_given(cluster, "workloadIdentityConfig", "workloadPool"):
        yield "The cluster has no workload identity pool."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-binary-authorization",
    title="GKE clusters run only images that the project's policy admits.",
    severity="medium",
    frameworks=("CKV_GCP_66", "CIS GKE 1.6.0 5.10.4", "NIST CM-7", "NIST SI-7"),
    wrong="An image from anywhere runs, if somebody names it.",
    mend="set binaryAuthorization with evaluationMode PROJECT_SINGLETON_POLICY_ENFORCE.",
)
def cluster_binary_authorization(cluster: Resource) -> Iterator[str]:
    """POLICY_BINDINGS alone watches and does not stop anything."""
    if cluster.get("binaryAuthorization", "evaluationMode", default="DISABLED") not in _ENFORCING:
        yield "The cluster does not enforce Binary Authorization."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-release-channel",
    title="GKE clusters follow a release channel.",
    severity="medium",
    frameworks=("CKV_GCP_70", "CIS GKE 1.6.0 5.5.4", "NIST SI-2"),
    wrong="Faults of Kubernetes that are known to everybody stay open until someone upgrades by hand.",
    mend="set releaseChannel with channel REGULAR or STABLE.",
)
def cluster_release_channel(cluster: Resource) -> Iterator[str]:
    """Autopilot follows one always. Left out of another, the provider leaves it to GKE, whose default has changed."""
    if is_true(cluster.get("enableAutopilot")):
        return
    if cluster.get("releaseChannel", "channel", default="UNSPECIFIED") == "UNSPECIFIED":
        yield "The cluster follows no release channel."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-no-alpha",
    title="GKE clusters have no alpha features.",
    severity="medium",
    frameworks=("CKV2_GCP_19", "CIS GKE 1.6.0 5.10.2", "NIST CM-7"),
    wrong="Such a cluster gets no security fixes, and Google deletes it after 30 days.",
    mend="take enableKubernetesAlpha out.",
)
def cluster_no_alpha(cluster: Resource) -> Iterator[str]:
    """It cannot be turned off later: the cluster has to be replaced."""
    if is_true(cluster.get("enableKubernetesAlpha")):
        yield "The cluster has Kubernetes' alpha features."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-network-policy",
    title="GKE clusters enforce network policies.",
    severity="high",
    frameworks=("CKV_GCP_12", "NIST SC-7", "NIST AC-4"),
    wrong="NetworkPolicy objects are accepted and do nothing: every pod reaches every other.",
    mend="set datapathProvider to ADVANCED_DATAPATH (Dataplane V2), or networkPolicy with enabled true.",
)
def cluster_network_policy(cluster: Resource) -> Iterator[str]:
    """Autopilot has Dataplane V2 always."""
    if is_true(cluster.get("enableAutopilot")) or is_true(cluster.get("networkPolicy", "enabled")):
        return
    if cluster.get("datapathProvider", default="LEGACY_DATAPATH") != "ADVANCED_DATAPATH":
        yield "The cluster does not enforce network policies."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-no-legacy-access",
    title="GKE clusters know no access but Google's identities and Kubernetes' roles.",
    severity="high",
    frameworks=("CKV_GCP_7", "CKV_GCP_13", "CIS GKE 1.6.0 5.8.1", "CIS GKE 1.6.0 5.8.3", "NIST AC-3", "NIST IA-5"),
    wrong="A certificate cannot be withdrawn, and legacy authorization gives every service account all rights.",
    mend="take enableLegacyAbac and masterAuth.clientCertificateConfig.issueClientCertificate out.",
)
def cluster_no_legacy_access(cluster: Resource) -> Iterator[str]:
    """Both are off unless the cluster says otherwise. Access by password is gone since Kubernetes 1.19."""
    with cluster.apart():
        if is_true(cluster.get("enableLegacyAbac")):
            yield "The cluster has legacy authorization (ABAC)."
    with cluster.apart():
        if is_true(cluster.get("masterAuth", "clientCertificateConfig", "issueClientCertificate")):
            yield "The cluster has a client certificate."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-logs-and-metrics",
    title="GKE clusters send logs and metrics of the system and logs of the workloads.",
    severity="medium",
    frameworks=("CKV_GCP_1", "CKV_GCP_8", "CIS GKE 1.6.0 5.7.1", "NIST AU-12", "NIST SI-4"),
    wrong="Nobody sees an intrusion, or can tell afterwards what happened.",
    mend="leave loggingService and monitoringService out, and name the components in loggingConfig.enableComponents"
    " and monitoringConfig.enableComponents.",
    parameters={"logged": Parameter((_SYSTEM, "WORKLOADS"), "Components whose logs must be sent.")},
)
def cluster_logs_and_metrics(cluster: Resource, logged: Sequence[str]) -> Iterator[str]:
    """Left out, both are on: logs of system and workloads, metrics of the system."""
    for kind, required in (("logging", logged), ("monitoring", (_SYSTEM,))):
        sent = "logs" if kind == "logging" else "metrics"
        with cluster.apart():
            if known(cluster.get(f"{kind}Service")) == "none":
                yield f"The cluster sends no {sent}."
        with cluster.apart():
            components = known(cluster.get(f"{kind}Config", "enableComponents"))
            if components is not None:
                for component in required:
                    if component not in [known(each) for each in components]:
                        yield f"The cluster sends no {sent} of {component}."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-security-posture",
    title="GKE's security posture watches the clusters.",
    severity="low",
    frameworks=("CIS GKE 1.6.0 5.10.5", "NIST RA-5", "NIST SI-4"),
    wrong="Nobody is told of workloads that are set up dangerously.",
    mend="leave securityPostureConfig out, or set its mode to BASIC or ENTERPRISE.",
)
def cluster_security_posture(cluster: Resource) -> Iterator[str]:
    """New clusters have it since Kubernetes 1.27 unless they say otherwise."""
    if cluster.get("securityPostureConfig", "mode", default="BASIC") == "DISABLED":
        yield "The cluster's security posture is not watched."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-deletion-protection",
    title="GKE clusters are not destroyed by mistake.",
    severity="medium",
    frameworks=("NIST CP-9", "NIST CM-3"),
    wrong="One wrong `destroy`, or a change that replaces the cluster, ends everything that runs on it.",
    mend="leave deletionProtection out, and set it to false only in the update before the cluster goes.",
)
def cluster_deletion_protection(cluster: Resource) -> Iterator[str]:
    """The provider protects a cluster unless it says otherwise."""
    if not is_true(cluster.get("deletionProtection", default=True)):
        yield "The cluster is not protected from deletion."


@resource_rule(
    CLUSTER,
    id="gcp-cluster-intranode-visibility",
    title="The network sees traffic between pods of one node.",
    severity="low",
    frameworks=("CKV_GCP_61", "CIS GKE 1.6.0 5.6.1", "NIST AU-12", "NIST SI-4"),
    wrong="Flow logs and firewalls know nothing of what pods of a node send each other.",
    mend="set enableIntranodeVisibility to true.",
)
def cluster_intranode_visibility(cluster: Resource) -> Iterator[str]:
    """It is on in Autopilot, and off elsewhere, unless the cluster says otherwise."""
    visible = cluster.get("enableIntranodeVisibility")
    if not is_true(cluster.get("enableAutopilot") if visible is None else visible):
        yield "Traffic between pods of one node is not visible."


RULES = (
    cluster_private_nodes,
    cluster_endpoint_restricted,
    cluster_secrets_encrypted,
    cluster_workload_identity,
    cluster_binary_authorization,
    cluster_release_channel,
    cluster_no_alpha,
    cluster_network_policy,
    cluster_no_legacy_access,
    cluster_logs_and_metrics,
    cluster_security_posture,
    cluster_deletion_protection,
    cluster_intranode_visibility,
)

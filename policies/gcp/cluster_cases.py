"""Cases of the rules for GKE clusters."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.gcp import cluster as rules
from policies.resources import Resource

KEY = made("gcp:kms/cryptoKey:CryptoKey", "secrets")
ENCRYPTED = {"state": "ENCRYPTED", "keyName": "projects/p/locations/l/keyRings/r/cryptoKeys/secrets"}
WITH_NEW_KEY = {"state": "ENCRYPTED", "keyName": UNKNOWN}


def cluster(**properties: Any) -> Resource:
    """A cluster of which only this is said."""
    return made(rules.CLUSTER, "main", {"name": "main", **properties})


def authorized(*blocks: str, **properties: Any) -> Resource:
    """A cluster whose public endpoint these ranges reach."""
    return cluster(
        masterAuthorizedNetworksConfig={"cidrBlocks": [{"cidrBlock": each} for each in blocks], **properties}
    )


def endpoints(*, addresses: bool, **dns: bool) -> Resource:
    """A cluster with these endpoints of the control plane."""
    config = {"ipEndpointsConfig": {"enabled": addresses}, "dnsEndpointConfig": dns}
    return cluster(controlPlaneEndpointsConfig=config)


AUTOPILOT = cluster(enableAutopilot=True)

CASES = (
    Cases(
        rules.cluster_private_nodes,
        passing=[
            cluster(privateClusterConfig={"enablePrivateNodes": True}),
            made(rules.NODE_POOL, "train", {"cluster": "main"}),
            made(rules.NODE_POOL, "train", {"networkConfig": {"enablePrivateNodes": True}}),
            cluster(privateClusterConfig={"enablePrivateNodes": True}, nodePools=[{"name": "train"}]),
        ],
        failing=[
            (
                cluster(
                    privateClusterConfig={"enablePrivateNodes": True},
                    nodePools=[{"name": "train"}, {"networkConfig": {"enablePrivateNodes": False}}],
                ),
                "The nodes of node pool 1 have public addresses",
            ),
            (cluster(), "The cluster's nodes have public addresses"),
            (
                cluster(privateClusterConfig={"enablePrivateEndpoint": True}),
                "The cluster's nodes have public addresses",
            ),
            (made(rules.NODE_POOL, "train", {"networkConfig": {"enablePrivateNodes": False}}), "The node pool's nodes"),
        ],
    ),
    Cases(
        rules.cluster_endpoint_restricted,
        passing=[
            cluster(privateClusterConfig={"enablePrivateNodes": True, "enablePrivateEndpoint": True}),
            authorized("203.0.113.0/24", "2001:db8::/32"),
            cluster(masterAuthorizedNetworksConfig={}),
            endpoints(addresses=False, allowExternalTraffic=True),
        ],
        failing=[
            (cluster(), "a public endpoint that every address reaches"),
            (AUTOPILOT, "a public endpoint that every address reaches"),
            (authorized("203.0.113.0/24", "0.0.0.0/0"), "reached from 0.0.0.0/0"),
            (authorized("0.0.0.0/1"), "reached from 0.0.0.0/1"),
            (authorized(*(f"{first}.0.0.0/8" for first in range(128))), "from most of the internet, by all ranges"),
            (authorized("203.0.113.0/24", gcpPublicCidrsAccessEnabled=True), "from every machine on Google Cloud"),
            (endpoints(addresses=True, allowExternalTraffic=True), "a public endpoint that every address reaches"),
            (
                endpoints(addresses=False, allowExternalTraffic=True, enableK8sTokensViaDns=True),
                "credentials from outside that IAM does not know (enableK8sTokensViaDns)",
            ),
        ],
    ),
    Cases(
        rules.cluster_secrets_encrypted,
        passing=[
            cluster(databaseEncryption=ENCRYPTED),
            made(
                rules.CLUSTER, "main", refers={"databaseEncryption": KEY}, properties={"databaseEncryption": ENCRYPTED}
            ),
        ],
        failing=[
            (cluster(), "not encrypted by themselves"),
            (AUTOPILOT, "not encrypted by themselves"),
            (cluster(databaseEncryption={"state": "DECRYPTED"}), "not encrypted by themselves"),
            (cluster(databaseEncryption={"state": "ENCRYPTED"}), "without a key in Cloud KMS"),
        ],
    ),
    Cases(
        rules.cluster_workload_identity,
        passing=[cluster(workloadIdentityConfig={"workloadPool": "p.svc.id.goog"}), AUTOPILOT],
        failing=[
            (cluster(), "no workload identity pool"),
            (cluster(workloadIdentityConfig={}), "no workload identity pool"),
            (cluster(enableAutopilot=False), "no workload identity pool"),
        ],
    ),
    Cases(
        rules.cluster_binary_authorization,
        passing=[cluster(binaryAuthorization={"evaluationMode": "PROJECT_SINGLETON_POLICY_ENFORCE"})],
        failing=[
            (cluster(), "does not enforce Binary Authorization"),
            (cluster(binaryAuthorization={"evaluationMode": "DISABLED"}), "does not enforce"),
            (cluster(binaryAuthorization={"evaluationMode": "POLICY_BINDINGS"}), "does not enforce"),
        ],
    ),
    Cases(
        rules.cluster_release_channel,
        passing=[cluster(releaseChannel={"channel": "STABLE"}), AUTOPILOT],
        failing=[
            (cluster(), "follows no release channel"),
            (cluster(releaseChannel={"channel": "UNSPECIFIED"}), "follows no release channel"),
        ],
    ),
    Cases(
        rules.cluster_no_alpha,
        passing=[cluster(), cluster(enableKubernetesAlpha=False)],
        failing=[(cluster(enableKubernetesAlpha=True), "alpha features")],
    ),
    Cases(
        rules.cluster_network_policy,
        passing=[
            cluster(datapathProvider="ADVANCED_DATAPATH"),
            cluster(networkPolicy={"enabled": True, "provider": "CALICO"}),
            AUTOPILOT,
        ],
        failing=[
            (cluster(), "does not enforce network policies"),
            (cluster(networkPolicy={"enabled": False}), "does not enforce network policies"),
            (cluster(datapathProvider="LEGACY_DATAPATH"), "does not enforce network policies"),
        ],
    ),
    Cases(
        rules.cluster_no_legacy_access,
        passing=[
            cluster(),
            cluster(enableLegacyAbac=False, masterAuth={"clientCertificateConfig": {"issueClientCertificate": False}}),
        ],
        failing=[
            (cluster(enableLegacyAbac=True), "legacy authorization"),
            (cluster(masterAuth={"clientCertificateConfig": {"issueClientCertificate": True}}), "a client certificate"),
        ],
    ),
    Cases(
        rules.cluster_logs_and_metrics,
        passing=[
            cluster(),
            cluster(loggingService="logging.googleapis.com/kubernetes"),
            cluster(loggingConfig={"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER"]}),
            cluster(monitoringConfig={"managedPrometheus": {"enabled": True}}),
            cluster(monitoringConfig={"enableComponents": ["SYSTEM_COMPONENTS", "DCGM"]}),
        ],
        failing=[
            (cluster(loggingService="none"), "sends no logs."),
            (cluster(monitoringService="none"), "sends no metrics."),
            (cluster(loggingConfig={"enableComponents": []}), "sends no logs of SYSTEM_COMPONENTS"),
            (cluster(loggingConfig={"enableComponents": ["SYSTEM_COMPONENTS"]}), "sends no logs of WORKLOADS"),
            (cluster(monitoringConfig={"enableComponents": ["POD"]}), "sends no metrics of SYSTEM_COMPONENTS"),
        ],
    ),
    Cases(
        rules.cluster_security_posture,
        passing=[cluster(), cluster(securityPostureConfig={"mode": "BASIC"})],
        failing=[(cluster(securityPostureConfig={"mode": "DISABLED"}), "is not watched")],
    ),
    Cases(
        rules.cluster_deletion_protection,
        passing=[cluster(), cluster(deletionProtection=True)],
        failing=[(cluster(deletionProtection=False), "not protected from deletion")],
    ),
    Cases(
        rules.cluster_intranode_visibility,
        passing=[cluster(enableIntranodeVisibility=True), AUTOPILOT],
        failing=[
            (cluster(), "not visible"),
            (cluster(enableIntranodeVisibility=False), "not visible"),
            (cluster(enableAutopilot=True, enableIntranodeVisibility=False), "not visible"),
        ],
    ),
)

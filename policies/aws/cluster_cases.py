"""Cases of the rules for EKS clusters."""

from typing import Any

from policies.aws import cluster
from policies.aws.cluster import ACCESS_ENTRY, ACCESS_POLICY, CLUSTER
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource

ACCOUNT = "123456789012"
KEY = made("aws:kms/key:Key", "secrets")
ROLE = made("aws:iam/role:Role", "deployer")


def _cluster(**properties: Any) -> Resource:
    return made(CLUSTER, "serving", {"name": "serving", **properties})


def _network(**settings: Any) -> Resource:
    return _cluster(vpcConfig={"subnetIds": ["subnet-0a1b", "subnet-2c3d"], **settings})


def _access(**settings: Any) -> Resource:
    return _cluster(accessConfig=settings)


def _encrypted(**config: Any) -> Resource:
    return _cluster(encryptionConfig={"resources": ["secrets"], **config})


CASES = (
    Cases(
        cluster.private_endpoint,
        passing=[_network(endpointPrivateAccess=True), _network(endpointPrivateAccess=True, endpointPublicAccess=True)],
        failing=[
            (_network(), "The control plane has no private endpoint."),
            (_network(endpointPrivateAccess=False), "The control plane has no private endpoint."),
            (_cluster(), "The control plane has no private endpoint."),
        ],
    ),
    Cases(
        cluster.public_endpoint_narrow,
        passing=[
            _network(endpointPublicAccess=False),
            _network(endpointPublicAccess=True, publicAccessCidrs=["203.0.113.0/24", "198.51.0.0/16"]),
            _network(publicAccessCidrs=["203.0.113.7/32", "2001:db8::/32"]),
        ],
        failing=[
            (_network(), "The control plane is open to 0.0.0.0/0."),
            (_network(publicAccessCidrs=[]), "The control plane is open to 0.0.0.0/0."),
            (_network(publicAccessCidrs=["203.0.113.0/24", "0.0.0.0/1"]), "The control plane is open to 0.0.0.0/1."),
            (_network(publicAccessCidrs=[UNKNOWN, "::/0"]), "The control plane is open to ::/0."),
            (_network(publicAccessCidrs=["198.0.0.0/15"]), "The control plane is open to 198.0.0.0/15."),
        ],
    ),
    Cases(
        cluster.secrets_encrypted,
        passing=[
            _encrypted(provider={"keyArn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/3f9a"}),
            made(
                CLUSTER,
                "made",
                {"encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": UNKNOWN}}},
                refers={"encryptionConfig": KEY},
            ),
        ],
        failing=[
            (_cluster(), "Secrets are encrypted with a key of AWS's own."),
            (
                _cluster(encryptionConfig={"resources": [], "provider": {"keyArn": "x"}}),
                "encryption is not of secrets.",
            ),
            (_encrypted(), "The encryption has no key."),
            (_encrypted(provider={"keyArn": ""}), "The encryption has no key."),
        ],
    ),
    Cases(
        cluster.control_plane_logs,
        passing=[
            _cluster(enabledClusterLogTypes=["api", "audit", "authenticator"]),
            _cluster(enabledClusterLogTypes=["scheduler", "authenticator", "audit", "api", "controllerManager"]),
        ],
        failing=[
            (_cluster(), "It keeps no logs of type api, audit, authenticator."),
            (_cluster(enabledClusterLogTypes=["api", "authenticator"]), "It keeps no logs of type audit."),
        ],
    ),
    Cases(
        cluster.version_supported,
        passing=[_cluster(), _cluster(version="1.99")],
        failing=[
            (_cluster(version="1.30"), "The standard support of Kubernetes 1.30 ends on 2025-07-23."),
            (_cluster(version="1.9"), "The standard support of Kubernetes 1.9 has ended."),
        ],
    ),
    Cases(
        cluster.access_entries,
        passing=[_access(authenticationMode="API", bootstrapClusterCreatorAdminPermissions=False)],
        failing=[
            (_cluster(), "The authentication mode is CONFIG_MAP."),
            (_access(authenticationMode="API_AND_CONFIG_MAP"), "The authentication mode is API_AND_CONFIG_MAP."),
        ],
    ),
    Cases(
        cluster.no_hidden_administrator,
        passing=[
            _access(authenticationMode="API", bootstrapClusterCreatorAdminPermissions=False),
            _cluster(),
            _access(authenticationMode="CONFIG_MAP"),
        ],
        failing=[
            (_access(authenticationMode="API"), "Who makes the cluster becomes its administrator."),
            (
                _access(authenticationMode="API_AND_CONFIG_MAP", bootstrapClusterCreatorAdminPermissions=True),
                "Who makes the cluster becomes its administrator.",
            ),
        ],
    ),
    Cases(
        cluster.deletion_protection,
        passing=[_cluster(deletionProtection=True)],
        failing=[
            (_cluster(), "The cluster is not protected from deletion."),
            (_cluster(deletionProtection=False), "The cluster is not protected from deletion."),
        ],
    ),
    Cases(
        cluster.entries_for_roles,
        passing=[
            made(ACCESS_ENTRY, "engineers", {"principalArn": f"arn:aws:iam::{ACCOUNT}:role/user/engineers"}),
            made(ACCESS_ENTRY, "deployer", refers={"principalArn": ROLE}),
        ],
        failing=[
            (
                made(ACCESS_ENTRY, "ada", {"principalArn": f"arn:aws:iam::{ACCOUNT}:user/ada"}),
                f"arn:aws:iam::{ACCOUNT}:user/ada is let in.",
            ),
            (
                made(ACCESS_POLICY, "root", {"principalArn": f"arn:aws:iam::{ACCOUNT}:root"}),
                f"arn:aws:iam::{ACCOUNT}:root is let in.",
            ),
        ],
    ),
)

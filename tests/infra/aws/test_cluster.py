"""The EKS cluster, its add-ons, and the file by which kubectl finds it."""

import json
from pathlib import Path

import pytest

from infra.aws.kubeconfig import kubeconfig
from tests.infra.recorder import Resources, provision

GOLDEN = Path(__file__).parent / "golden"
CLUSTER = "aws:eks/cluster:Cluster"

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture(params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def resources(stack: str) -> Resources:
    return provision(stack)


def test_the_control_plane_is_private(resources: Resources) -> None:
    network = resources.one(CLUSTER).inputs["vpcConfig"]
    assert network["endpointPrivateAccess"] is True
    assert network["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in network


def test_it_is_public_to_the_listed_ranges_only() -> None:
    network = provision("prod", {"cluster.public_access_cidrs": ["203.0.113.0/24"]}).one(CLUSTER).inputs["vpcConfig"]
    assert network["endpointPrivateAccess"] is True
    assert network["endpointPublicAccess"] is True
    assert network["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_secrets_are_encrypted_by_a_key_of_their_own(resources: Resources) -> None:
    encryption = resources.one(CLUSTER).inputs["encryptionConfig"]
    assert encryption == {"provider": {"keyArn": "arn:aws:mock:::keys-secrets"}, "resources": ["secrets"]}


def test_all_logs_are_kept_encrypted_and_for_a_time(stack: str, resources: Resources) -> None:
    assert {*resources.one(CLUSTER).inputs["enabledClusterLogTypes"]} == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }
    group = resources.one("aws:cloudwatch/logGroup:LogGroup", "cluster")
    assert group.inputs["name"] == f"/aws/eks/trainyard-{stack}/cluster"
    assert group.inputs["kmsKeyId"] == "arn:aws:mock:::keys-logs"
    assert group.inputs["retentionInDays"] == {"dev": 30, "prod": 365}[stack]


def test_rights_are_given_by_access_entries_and_none_to_whoever_creates_it(stack: str, resources: Resources) -> None:
    assert resources.one(CLUSTER).inputs["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }
    admins = {"arn:aws:iam::123456789012:role/platform-engineers"}
    if stack == "prod":
        admins.add("arn:aws:mock:::github-deploy")
    entries = resources.all("aws:eks/accessEntry:AccessEntry")
    assert {entry.inputs["principalArn"] for entry in entries} == admins
    for association in resources.all("aws:eks/accessPolicyAssociation:AccessPolicyAssociation"):
        assert association.inputs["principalArn"] in admins
        assert association.inputs["policyArn"].endswith("/AmazonEKSClusterAdminPolicy")


def test_only_production_is_protected_from_deletion(stack: str, resources: Resources) -> None:
    assert resources.one(CLUSTER).inputs["deletionProtection"] is (stack == "prod")


def test_a_version_beyond_its_support_is_not_paid_for(resources: Resources) -> None:
    assert resources.one(CLUSTER).inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_the_add_ons_are_the_programs_own(resources: Resources) -> None:
    assert resources.one(CLUSTER).inputs["bootstrapSelfManagedAddons"] is False
    addons = {each.inputs["addonName"]: each for each in resources.all("aws:eks/addon:Addon")}
    assert {*addons} == {
        "aws-ebs-csi-driver",
        "coredns",
        "eks-pod-identity-agent",
        "kube-proxy",
        "metrics-server",
        "vpc-cni",
    }
    assert json.loads(addons["vpc-cni"].inputs["configurationValues"]) == {"enableNetworkPolicy": "true"}
    accounts = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa"}
    for name, addon in addons.items():
        associations = addon.inputs.get("podIdentityAssociations", [])
        assert [each["serviceAccount"] for each in associations] == ([accounts[name]] if name in accounts else [])


def test_with_irsa_add_ons_and_workloads_trust_the_clusters_issuer() -> None:
    resources = provision("dev", {"identity.mechanism": "irsa"})
    issuer = "oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF"
    provider = resources.one("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert provider.inputs == {
        "url": f"https://{issuer}",
        "clientIdLists": ["sts.amazonaws.com"],
        "tags": provider.inputs["tags"],
    }
    assert resources.all("aws:eks/podIdentityAssociation:PodIdentityAssociation") == []
    trust = resources.one("aws:iam/role:Role", "identity-training").statement("ServiceAccount", "assumeRolePolicy")
    assert trust["Principal"] == {"Federated": "arn:aws:mock:::cluster"}
    assert trust["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": "system:serviceaccount:trainyard:training",
        }
    }
    (driver,) = (
        each for each in resources.all("aws:eks/addon:Addon") if each.inputs["addonName"] == "aws-ebs-csi-driver"
    )
    assert driver.inputs["serviceAccountRoleArn"] == "arn:aws:mock:::workload-addons-ebs-csi"
    assert "podIdentityAssociations" not in driver.inputs


def test_the_file_for_kubectl_holds_no_credential() -> None:
    written = kubeconfig(
        cluster_name="trainyard-dev",
        endpoint="https://ABCDEF.gr7.eu-west-1.eks.amazonaws.com",
        certificate_authority_data="LS0tLS1CRUdJTg==",
        region="eu-west-1",
    )
    assert written == (GOLDEN / "kubeconfig.json").read_text()

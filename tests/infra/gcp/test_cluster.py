"""The GKE cluster, as a security reviewer looks at it, and the file by which kubectl finds it."""

import datetime
import json
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gcp.cluster import (
    ADMINISTRATION,
    Cluster,
    ClusterArguments,
    cluster_location,
    member_role_id,
    this_cluster,
)
from infra.gcp.cluster_options import recurring_window
from infra.gcp.kubeconfig import kubeconfig
from infra.gcp.settings import ClusterSettings, MaintenanceSettings
from infra.gcp.subnets import PODS_PER_NODE
from policies.gcp import cluster as rules
from policies.gcp import nodes as node_rules
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.gcp.conditions import Request, holds
from tests.infra.gcp.parts import NAMES, Made, made, objections, sources

CLUSTER = "gcp:container/cluster:Cluster"
GRANT, ROLE = "gcp:projects/iAMMember:IAMMember", "gcp:projects/iAMCustomRole:IAMCustomRole"
ZONES = (f"{REGION}-a", f"{REGION}-b", f"{REGION}-c")
KEYS = f"projects/{PROJECT}/locations/{REGION}/keyRings/keys-1a2b3c4/cryptoKeys"
PERSON, GROUP = "user:ada@example.com", "group:research@example.com"
OFFICE = {"cidr": "10.9.0.0/16", "name": "office"}


def arguments(*, production: bool = True, **settings: Any) -> ClusterArguments:
    context = {"teams": {"trainyard", "vision"}, "cloud": "gcp", "environment": "prod" if production else "dev"}
    return ClusterArguments(
        names=NAMES,
        settings=ClusterSettings.model_validate(settings, context=context),
        zones=ZONES,
        network_id=f"projects/{PROJECT}/global/networks/network",
        subnetwork_id=f"projects/{PROJECT}/regions/{REGION}/subnetworks/nodes",
        pods_range="pods",
        services_range="services",
        secrets_key_id=f"{KEYS}/secrets",
        volumes_key_id=f"{KEYS}/volumes",
        node_email=NAMES.service_account("node"),
        production=production,
    )


def cluster(*, production: bool = True, **settings: Any) -> Made:
    return made(lambda opts: Cluster("cluster", arguments(production=production, **settings), opts))


def inputs(**settings: Any) -> dict[str, Any]:
    return cluster(**settings).resources.one(CLUSTER).inputs


def test_the_policy_pack_has_nothing_against_it() -> None:
    of = cluster(binary_authorization=True, admin_members=[GROUP])
    assert objections((*rules.RULES, *node_rules.RULES), of) == []


def test_only_production_is_protected_from_deletion() -> None:
    for production in (True, False):
        of = cluster(production=production)
        assert of.resources.one(CLUSTER).inputs["deletionProtection"] is production
        assert ("cluster" in of.protected()) is production


def test_a_regional_cluster_is_in_the_region_and_a_zonal_one_in_the_first_zone() -> None:
    regional, zonal = inputs(location="regional"), inputs(location="zonal")
    assert (regional["location"], regional["nodeLocations"]) == (REGION, [*ZONES])
    # Its own zone is not named again.
    assert (zonal["location"], zonal["nodeLocations"]) == (ZONES[0], [*ZONES[1:]])
    one_zone = ClusterSettings(location="zonal")
    assert cluster_location(NAMES, one_zone, ZONES[:1]) == ZONES[0]


@pytest.mark.parametrize(("by_name", "networks"), [(True, []), (True, [OFFICE]), (False, [OFFICE])])
def test_the_control_plane_has_no_public_address(by_name: bool, networks: list[dict[str, str]]) -> None:
    found = inputs(dns_endpoint=by_name, authorized_networks=networks)
    assert found["privateClusterConfig"] == {"enablePrivateNodes": True, "enablePrivateEndpoint": True}
    authorized = found.get("masterAuthorizedNetworksConfig")
    assert (authorized is None) is (not networks)
    if authorized:
        assert authorized["gcpPublicCidrsAccessEnabled"] is False
        assert authorized["privateEndpointEnforcementEnabled"] is True
        assert [each["cidrBlock"] for each in authorized["cidrBlocks"]] == [each["cidr"] for each in networks]
    endpoints = found["controlPlaneEndpointsConfig"]
    assert endpoints["ipEndpointsConfig"] == {"enabled": bool(networks)}
    # By its name it is reached at Google's front end, where nobody gets by whom IAM does not know.
    assert endpoints["dnsEndpointConfig"] == {
        "allowExternalTraffic": by_name,
        "enableK8sTokensViaDns": False,
        "enableK8sCertsViaDns": False,
    }


def test_who_deploys_is_led_to_the_name_or_else_to_the_address() -> None:
    by_name = f"https://gke-0123456789abcdef-{NUMBER}.{REGION}.gke.goog"
    assert way_in() == {"address": by_name, "certificate": ""}
    by_address = way_in(dns_endpoint=False, authorized_networks=[OFFICE])
    assert by_address == {"address": "https://10.20.192.2", "certificate": "LS0tLS1CRUdJTg=="}


def way_in(**settings: Any) -> dict[str, str]:
    """Address and certificate of the control plane, as they are handed on."""
    found: dict[str, str] = {}

    def build(opts: pulumi.ResourceOptions) -> None:
        of = Cluster("cluster", arguments(**settings), opts)
        known = pulumi.Output.all(address=of.endpoint, certificate=of.certificate_authority_data)
        known.apply(found.update)

    made(build)
    return found


def test_secrets_and_disks_are_encrypted_by_keys_of_their_own() -> None:
    found = inputs()
    assert found["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": f"{KEYS}/secrets"}
    first = found["nodeConfig"]
    assert first["bootDiskKmsKey"] == f"{KEYS}/volumes"
    assert first["serviceAccount"] == NAMES.service_account("node")
    assert first["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    assert first["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}


def test_the_first_nodes_are_gone_at_once_and_never_a_reason_for_another_cluster() -> None:
    of = cluster()
    found = of.resources.one(CLUSTER).inputs
    assert (found["removeDefaultNodePool"], found["initialNodeCount"]) == (True, 1)
    assert of.options[CLUSTER, "cluster"].ignore_changes == ["nodeConfig"]


def test_pods_and_services_have_addresses_of_the_subnet() -> None:
    found = inputs()
    assert found["networkingMode"] == "VPC_NATIVE"
    assert found["ipAllocationPolicy"] == {
        "clusterSecondaryRangeName": "pods",
        "servicesSecondaryRangeName": "services",
        "stackType": "IPV4",
    }
    assert found["defaultMaxPodsPerNode"] == PODS_PER_NODE
    # Network policies are enforced, and the resolver that they allow is the one that is there.
    assert found["datapathProvider"] == "ADVANCED_DATAPATH"
    assert found["dnsConfig"] == {"clusterDns": "KUBE_DNS"}
    assert found["serviceExternalIpsConfig"] == {"enabled": False}


def test_what_is_another_projects_business_is_off() -> None:
    found = inputs()
    assert found["gatewayApiConfig"] == {"channel": "CHANNEL_DISABLED"}
    assert found["clusterAutoscaling"] == {"enabled": False, "autoscalingProfile": "OPTIMIZE_UTILIZATION"}
    assert "DCGM" not in found["monitoringConfig"]["enableComponents"]
    assert found["nodePoolDefaults"]["nodeConfigDefaults"]["insecureKubeletReadonlyPortEnabled"] == "FALSE"


def test_nobody_is_believed_whom_google_does_not_know() -> None:
    found = inputs()
    assert found["enableLegacyAbac"] is False
    assert found["masterAuth"] == {"clientCertificateConfig": {"issueClientCertificate": False}}
    assert found["anonymousAuthenticationConfig"] == {"mode": "LIMITED"}
    assert set(found["rbacBindingConfig"].values()) == {False}
    assert found["workloadIdentityConfig"] == {"workloadPool": f"{PROJECT}.svc.id.goog"}


def test_logs_of_everything_are_kept_and_metrics_that_cost_are_for_production() -> None:
    for production in (True, False):
        found = inputs(production=production)
        assert {*found["loggingConfig"]["enableComponents"]} == {
            "SYSTEM_COMPONENTS",
            "WORKLOADS",
            "APISERVER",
            "CONTROLLER_MANAGER",
            "SCHEDULER",
        }
        assert ("APISERVER" in found["monitoringConfig"]["enableComponents"]) is production
        assert found["monitoringConfig"]["managedPrometheus"] == {"enabled": True}


@pytest.mark.parametrize(
    ("set_", "mode"), [(False, "DISABLED"), (True, "PROJECT_SINGLETON_POLICY_ENFORCE")], ids=["off", "on"]
)
def test_binary_authorization_is_by_setting(set_: bool, mode: str) -> None:
    assert inputs(binary_authorization=set_)["binaryAuthorization"] == {"evaluationMode": mode}


def test_further_networks_of_pods_are_there_where_gpudirect_needs_them() -> None:
    assert inputs()["enableMultiNetworking"] is False


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    hours=st.integers(6, 24),
    days=st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=2, max_size=7, unique=True),
)
def test_the_maintenance_window_is_as_long_as_it_is_set(hour: int, minute: int, hours: int, days: list[str]) -> None:
    settings = MaintenanceSettings.model_validate(
        {"start_time": f"{hour:02}:{minute:02}", "hours": hours, "days": days}
    )
    begins, ends, recurs = recurring_window(settings)
    start, end = (datetime.datetime.fromisoformat(moment.removesuffix("Z")) for moment in (begins, ends))
    assert (start.hour, start.minute) == (hour, minute)
    assert end - start == datetime.timedelta(hours=hours)
    assert recurs == f"FREQ=WEEKLY;BYDAY={','.join(days)}"


# Who gets in.


def own(name: str) -> Request:
    return Request("container.googleapis.com/Cluster", name)


def test_administrators_administer_this_cluster_and_no_other() -> None:
    (grant,) = cluster(admin_members=[GROUP]).resources.all(GRANT)
    assert (grant.inputs["role"], grant.inputs["member"]) == (ADMINISTRATION, GROUP)
    condition = grant.inputs["condition"]["expression"]
    mine = NAMES.cluster_id(REGION)
    assert condition == this_cluster(mine)
    assert holds(condition, own(mine))
    assert holds(condition, own(f"{mine}/nodePools/system"))
    # One that is named alike, and one elsewhere.
    assert not holds(condition, own(f"{mine}-2"))
    assert not holds(condition, own(NAMES.cluster_id(ZONES[0])))


def test_members_of_teams_get_to_the_api_server_and_no_further_by_iam() -> None:
    teams = {"vision": [PERSON], "trainyard": [PERSON, "serviceAccount:bot@example.iam.gserviceaccount.com"]}
    resources = cluster(team_members=teams).resources
    role = resources.one(ROLE)
    assert role.inputs["permissions"] == ["container.clusters.get", "container.clusters.connect"]
    # Of two teams, and yet one grant.
    grants = {each.inputs["member"]: each for each in resources.all(GRANT)}
    assert grants.keys() == {PERSON, "serviceAccount:bot@example.iam.gserviceaccount.com"}
    for grant in grants.values():
        assert grant.inputs["role"] != ADMINISTRATION
        assert holds(grant.inputs["condition"]["expression"], own(NAMES.cluster_id(REGION)))


def test_without_members_there_is_no_role_for_them() -> None:
    assert cluster().resources.all(ROLE) == []


def test_the_role_of_members_has_another_identifier_when_the_stack_is_made_anew() -> None:
    first, second = (member_role_id(NAMES, f"{KEYS}/secrets-{end}") for end in ("1a2b3c4", "5d6e7f8"))
    assert first != second
    assert all(part.isalnum() for part in first.split("_"))
    assert len(first) <= 64


def test_groups_are_known_to_role_bindings_only_by_the_security_group() -> None:
    assert "authenticatorGroupsConfig" not in inputs()
    group = "gke-security-groups@example.com"
    found = inputs(security_group=group, team_members={"vision": [GROUP]})
    assert found["authenticatorGroupsConfig"] == {"securityGroup": group}


def test_what_is_handed_on_waits_for_the_cluster() -> None:
    for output in ("cluster_name", "issuer_url", "endpoint"):
        waits = sources(lambda opts, output=output: getattr(Cluster("cluster", arguments(), opts), output))
        assert (CLUSTER, "cluster") in waits


def test_the_kubeconfig_holds_no_credential() -> None:
    by_name = json.loads(
        kubeconfig(cluster_name="c", endpoint="https://gke-1.europe-west4.gke.goog", certificate_authority_data="")
    )
    by_address = json.loads(
        kubeconfig(cluster_name="c", endpoint="https://10.0.0.2", certificate_authority_data="LS0tLS1CRUdJTg==")
    )
    assert by_name["clusters"][0]["cluster"] == {"server": "https://gke-1.europe-west4.gke.goog"}
    assert by_address["clusters"][0]["cluster"]["certificate-authority-data"] == "LS0tLS1CRUdJTg=="
    for document in (by_name, by_address):
        (user,) = document["users"]
        assert user["user"].keys() == {"exec"}
        assert user["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"
        assert document["current-context"] == document["contexts"][0]["name"] == "c"

"""Every text that the stacks of Google Cloud give is one that its property takes.

Of what takes one of a list, the list is the one in the SDK's documentation, or the one that Google's own documentation
has, named by the title of its page; everything else has a form. A property that is neither is told, so that nobody
passes a new one over.
"""

import re
from collections.abc import Mapping
from functools import cache

import pytest

from infra.gcp import gpu_partitions, machine_types, machine_zones
from infra.gcp.setting_values import REGIONS
from planning.prices.book import load_book
from tests.infra.gcp.variety import readings
from tests.infra.sdk_schema import Value

DISKS = "GKE: Custom boot disks, About Hyperdisk for GKE"
LISTS: Mapping[str, tuple[str, str]] = {
    "artifactregistry/repository:Repository deletionPolicy": (
        "DELETE PREVENT ABANDON",
        "pulumi-gcp 10: deletion policies",
    ),
    "artifactregistry/repository:Repository format": (
        "DOCKER MAVEN NPM PYTHON APT YUM GO KFP GENERIC RUBY",
        "Artifact Registry API: Repository, Format",
    ),
    "billing/budget:Budget amount.specifiedAmount.currencyCode": ("USD", "ISO 4217"),
    "billing/budget:Budget budgetFilter.creditTypes": (
        "SUSTAINED_USAGE_DISCOUNT DISCOUNT COMMITTED_USAGE_DISCOUNT COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE FREE_TIER "
        "PROMOTION SUBSCRIPTION_BENEFIT RESELLER_MARGIN FEE_UTILIZATION_OFFSET",
        "Cloud Billing: Types of credits in exported data",
    ),
    "cloudscheduler/job:Job httpTarget.httpMethod": (
        "POST GET HEAD PUT DELETE PATCH OPTIONS",
        "Cloud Scheduler API: HttpMethod",
    ),
    "compute/disk:Disk type": (
        "pd-standard pd-balanced pd-ssd hyperdisk-balanced",
        "Compute Engine: Choose a disk type",
    ),
    "compute/firewall:Firewall allows.protocol": (
        "tcp udp icmp esp ah sctp ipip all",
        "VPC: Firewall rules, protocols",
    ),
    "compute/firewall:Firewall denies.protocol": (
        "tcp udp icmp esp ah sctp ipip all",
        "VPC: Firewall rules, protocols",
    ),
    "compute/globalForwardingRule:GlobalForwardingRule target": (
        "all-apis vpc-sc",
        "VPC: Access Google APIs through endpoints",
    ),
    "compute/route:Route nextHopGateway": ("default-internet-gateway", "VPC: Routes, next hops"),
    "container/cluster:Cluster datapathProvider": ("LEGACY_DATAPATH ADVANCED_DATAPATH", "GKE API: DatapathProvider"),
    "container/cluster:Cluster nodeConfig.diskType": ("pd-standard pd-balanced pd-ssd hyperdisk-balanced", DISKS),
    "container/cluster:Cluster nodeConfig.workloadMetadataConfig.mode": (
        "GCE_METADATA GKE_METADATA",
        "GKE API: WorkloadMetadataConfig, Mode",
    ),
    "container/nodePool:NodePool autoscaling.locationPolicy": ("BALANCED ANY", "GKE API: LocationPolicy"),
    "container/nodePool:NodePool nodeConfig.diskType": ("pd-standard pd-balanced pd-ssd hyperdisk-balanced", DISKS),
    "container/nodePool:NodePool nodeConfig.guestAccelerators.gpuDriverInstallationConfig.gpuDriverVersion": (
        "INSTALLATION_DISABLED DEFAULT LATEST",
        "GKE API: GPUDriverInstallationConfig, GPUDriverVersion",
    ),
    "container/nodePool:NodePool nodeConfig.guestAccelerators.gpuSharingConfig.gpuSharingStrategy": (
        "TIME_SHARING MPS",
        "GKE API: GPUSharingConfig, GPUSharingStrategy",
    ),
    "container/nodePool:NodePool nodeConfig.imageType": (
        "COS_CONTAINERD UBUNTU_CONTAINERD WINDOWS_LTSC_CONTAINERD",
        "GKE: Node images",
    ),
    "container/nodePool:NodePool nodeConfig.linuxNodeConfig.cgroupMode": (
        "CGROUP_MODE_V1 CGROUP_MODE_V2",
        "GKE API: LinuxNodeConfig, CgroupMode",
    ),
    "container/nodePool:NodePool nodeConfig.reservationAffinity.key": (
        "compute.googleapis.com/reservation-name",
        "GKE: Consuming reserved zonal resources",
    ),
    "container/nodePool:NodePool nodeConfig.taints.effect": (
        "NO_SCHEDULE PREFER_NO_SCHEDULE NO_EXECUTE",
        "GKE API: NodeTaint, Effect",
    ),
    "container/nodePool:NodePool nodeConfig.workloadMetadataConfig.mode": (
        "GCE_METADATA GKE_METADATA",
        "GKE API: WorkloadMetadataConfig, Mode",
    ),
    "container/nodePool:NodePool placementPolicy.type": ("COMPACT", "GKE API: PlacementPolicy, Type"),
    "container/nodePool:NodePool upgradeSettings.strategy": (
        "SURGE BLUE_GREEN SHORT_LIVED",
        "GKE API: NodePoolUpdateStrategy",
    ),
    "dns/recordSet:RecordSet type": ("A AAAA CNAME MX NS SRV TXT", "Cloud DNS: Supported DNS record types"),
    "kms/cryptoKey:CryptoKey purpose": (
        "ENCRYPT_DECRYPT ASYMMETRIC_SIGN ASYMMETRIC_DECRYPT RAW_ENCRYPT_DECRYPT MAC",
        "Cloud KMS API: CryptoKeyPurpose",
    ),
    "kms/cryptoKey:CryptoKey versionTemplate.algorithm": (
        "GOOGLE_SYMMETRIC_ENCRYPTION",
        "Cloud KMS: Key purposes and algorithms (of ENCRYPT_DECRYPT)",
    ),
    "monitoring/notificationChannel:NotificationChannel type": (
        "email pubsub slack sms webhook_tokenauth webhook_basicauth pagerduty google_chat",
        "Cloud Monitoring: Create and manage notification channels with the API",
    ),
    "projects/iAMCustomRole:IAMCustomRole stage": ("ALPHA BETA GA DEPRECATED DISABLED EAP", "IAM API: RoleLaunchStage"),
    **{
        f"storage/bucket:Bucket encryption.{kind}EncryptionEnforcementConfig.restrictionMode": (
            "NotRestricted FullyRestricted",
            "Cloud Storage JSON API: Buckets, encryption enforcement",
        )
        for kind in ("customerManaged", "customerSupplied", "googleManaged")
    },
}
"""What is possible and where Google says so, of properties whose lists the SDK's documentation lacks or shortens. By
type and path, without `gcp:`; values that mean "not said" are left out."""

NO_LIST = {
    "compute/globalForwardingRule:GlobalForwardingRule ipAddress": "The documentation lists forms, not values",
    "compute/globalForwardingRule:GlobalForwardingRule loadBalancingScheme": (
        "Empty for Private Service Connect, which the documentation says elsewhere: VPC, Access Google APIs through "
        "endpoints"
    ),
}
"""Properties whose documentation seems to list values, and does not, or not all, with the reason."""

_P, _R, _ZONE = "projects/ml-platform-example", "[a-z]+(-[a-z]+)+[0-9]+", "[a-z]+(-[a-z]+)+[0-9]+-[a-z]"
_NAME = "[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = r"[a-z0-9.-]+@[a-z0-9.-]+\.[a-z]+"
FORMS: Mapping[str, str] = {
    r".*(labels|userLabels|resourceLabels)\[.*\]": r"[A-Za-z0-9_.@-]{0,63}",
    r".*metadata\[.*\]": "TRUE|FALSE|true|false",
    r".* (description|title|displayName|(condition|remoteRepositoryConfig)\.(title|description))": r"\S.{0,254}\S",
    r".*commonRepository\.uri": r"https://[a-z0-9]+(\.[a-z0-9]+)+",
    r".* project": "ml-platform-example",
    r".*Bucket location": "|".join(region.upper() for region in REGIONS),
    r".*(location|[rR]egion)": f"{_R}|{_ZONE}",
    r".*(zone|nodeLocations)": _ZONE,
    r".*(kmsKeyName|kmsKeySelfLink|KmsKey|KmsKeyName|keyName|cryptoKeyId)": (
        f"{_P}/locations/{_R}/keyRings/[a-z0-9-]+/cryptoKeys/[a-z0-9-]+"
    ),
    r".*keyRing": f"{_P}/locations/{_R}/keyRings/[a-z0-9-]+",
    r".*additionalNodeNetworkConfigs\.(network|subnetwork)": _NAME,
    r".*(subnetwork|subnetworks\.name)": f"{_P}/regions/{_R}/subnetworks/{_NAME}",
    r".*(network|networkUrl)": f"{_P}/global/networks/{_NAME}",
    r".*networkProfile": f"{_P}/global/networkProfiles/{_ZONE}-vpc-roce",
    r".*GlobalForwardingRule ipAddress": f"{_P}/global/addresses/{_NAME}",
    r".*GlobalForwardingRule name": "[a-z][a-z0-9]{0,19}",
    r".*(cidrBlock|CidrRange|[rR]anges|destRange)": r"\d+\.\d+\.\d+\.\d+/\d+",
    r".*GlobalAddress address": r"\d+\.\d+\.\d+\.\d+",
    r".*(allows|denies)\.ports": r"\d+(-\d+)?",
    r".*(dnsName|RecordSet name)": r"(\*\.)?[a-z.]+\.",
    r".*rrdatas": r"\d+\.\d+\.\d+\.\d+|[a-z.]+\.",
    r".*(olderThan|Deadline|Duration|rotationPeriod)": r"[1-9]\d*s",
    r".*recurringWindow\.(startTime|endTime)": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    r".*recurrence": "FREQ=WEEKLY;BYDAY=(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*",
    r".*schedule": r"([\d,*/-]+ ){4}[\d,*/-]+",
    r".*timeZone": "Etc/UTC",
    r".*minMasterVersion": r"1\.\d\d",
    r".*workloadPool": r"ml-platform-example\.svc\.id\.goog",
    r".*member": (
        rf"(serviceAccount|group|user):{_EMAIL}|serviceAccount:ml-platform-example\.svc\.id\.goog\[{_NAME}/{_NAME}\]"
        r"|principal(Set)?://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/\S+"
    ),
    r".* role": r"roles/[a-z]+(\.[A-Za-z0-9]+)+|projects/ml-platform-example/roles/[a-z0-9_.]{3,64}",
    r".*permissions": r"([a-z]+|iam\.googleapis\.com/[a-zA-Z]+)(\.[a-zA-Z]+){1,2}",
    r".*workloadIdentityPool(Provider)?Id": "[a-z][a-z0-9-]{2,30}[a-z0-9]",
    r".*attributeMapping\[.*\]": r"assertion\.[a-z_]+",
    r".*issuerUri": "https://token.actions.githubusercontent.com",
    r".*roleId": "[a-zA-Z0-9_.]{3,64}",
    r".*accountId": "[a-z][a-z0-9-]{4,28}[a-z0-9]",
    r".*serviceAccountId": f"{_P}/serviceAccounts/{_EMAIL}",
    r".*(serviceAccount|serviceAccount\.email|serviceAccountEmail)": _EMAIL,
    r".*(oauthScopes|scopes|scope)": "https://www.googleapis.com/auth/cloud-platform",
    r".*(Service|ServiceIdentity) service": r"[a-z]+\.googleapis\.com",
    r".*(condition\.expression|attributeCondition|filter)": r"\S.*\S",
    r".*bucketId": "[a-zA-Z0-9_.-]{1,100}",
    r".*destination": f"logging.googleapis.com/{_P}/locations/{_R}/buckets/[a-z0-9-]+",
    r".*billingAccount": "[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}",
    r".*budgetFilter\.projects": r"projects/\d+",
    r".*units": r"\d+",
    r".*monitoringNotificationChannels": rf"{_P}/notificationChannels/\d+",
    r".*httpTarget\.uri": rf"https://(container|compute)\.googleapis\.com/(compute/)?v1/{_P}/\S+",
    r".*httpTarget\.body": "[A-Za-z0-9+/=]+",
    r".*headers\[Content-Type\]": "application/json",
    r".*bootDisk\.source": f"{_P}/zones/{_ZONE}/disks/{_NAME}",
    r".*Disk image": r"projects/[a-z-]+/global/images/(family/)?[a-z0-9-]+",
    r".*taints\.key": "nvidia.com/gpu",
    r".*(guestAccelerators\.type)": "|".join(
        {*machine_types.ATTACHABLE, *(machine_types.facts_of(name).accelerator for name in machine_types.with_gpu())}  # type: ignore[union-attr]
    ),
    r".*Cluster nodeConfig\.machineType": "e2-medium",
    r".*machineType": "|".join([*machine_types.with_gpu(), *machine_types.without_gpu()]),
    r".*gpuPartitionSize": "|".join(
        re.escape(each) for profiles in gpu_partitions.PROFILES.values() for each in profiles
    ),
    r".*(logBucket|BucketIAMMember bucket|Bucket name)": "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    r".*logObjectPrefix": "([a-z]+)/[a-z]+",
    r".*(name|[nN]ame|repository|repositoryId|router|managedZone|cluster|cleanupPolicies\.id)": _NAME,
    r".*(tags|targetTags|values|secondaryIpRangeNames|taints\.value)": _NAME,
}
"""The form of a text by a pattern of its type and path: the first that fits. Names are those of RFC 1035, as nearly
everything of Google Cloud's has them."""

pytestmark = pytest.mark.xdist_group("gcp platforms")


@cache
def texts() -> tuple[Value, ...]:
    """Every text of every case."""
    return tuple(value for *_, reading in readings() for value in reading.values if isinstance(value.value, str))


def place(value: Value) -> str:
    """Type and path without `gcp:`."""
    return value.place.removeprefix("gcp:")


def problem(value: Value) -> str:
    """Why a text is none that its property takes; empty: it is one."""
    where = place(value)
    if where in LISTS:
        possible, source = LISTS[where]
        return "" if value.value in possible.split() else f"{where}: {value.value} is none of {possible} ({source})"
    if value.possible and where not in NO_LIST:
        return f"{where}: {value.problem}" if value.problem else ""
    if value.value == "" and where in NO_LIST:
        return ""
    for pattern, form in FORMS.items():
        if re.fullmatch(pattern, where):
            return "" if re.fullmatch(form, value.value, re.DOTALL) else f"{where}: {value.value} is not {form}"
    return f"{where}: nobody says what it takes, and it has {value.value}"


def test_every_text_is_one_that_its_property_takes() -> None:
    assert sorted({found for value in texts() if (found := problem(value))}) == []


def test_no_list_is_of_a_property_that_nothing_has() -> None:
    found = {place(value) for value in texts()}
    assert sorted((LISTS.keys() | NO_LIST.keys()) - found) == []


def test_what_is_wrong_is_told() -> None:
    """The lists and forms refuse what looks alike: each text with a letter more."""
    unnoticed = {
        place(value)
        for value in texts()
        if (place(value) in LISTS or (value.possible and place(value) not in NO_LIST))
        and not problem(Value(value.type, value.path, f"{value.value}X", value.documentation))
    }
    assert unnoticed == set()


def test_gpus_are_called_as_another_program_has_them() -> None:
    """Source: google/xpk, its table of system characteristics (2026)."""
    known = {
        "a3-highgpu-8g": ("nvidia-h100-80gb", 8, "tcpx"),
        "a3-megagpu-8g": ("nvidia-h100-mega-80gb", 8, "tcpxo"),
        "a3-ultragpu-8g": ("nvidia-h200-141gb", 8, "rdma"),
        "a4-highgpu-8g": ("nvidia-b200", 8, "rdma"),
    }
    for name, wanted in known.items():
        facts = machine_types.facts_of(name)
        assert facts is not None
        assert (facts.accelerator, facts.gpu_count, facts.gpudirect) == wanted


def test_every_type_that_has_a_price_in_a_region_is_in_a_zone_of_it() -> None:
    prices = [price for price in load_book().instances if price.cloud == "gcp"]
    assert len(prices) > 100
    for price in prices:
        if machine_types.facts_of(price.instance_type):
            zones = machine_zones.zones_of(price.instance_type)
            assert any(zone.startswith(f"{price.region}-") for zone in zones), (price.region, price.instance_type)


def test_the_regions_are_those_of_the_book_of_prices() -> None:
    known = {region.name for region in load_book().regions if region.cloud == "gcp"}
    assert known <= {*REGIONS}

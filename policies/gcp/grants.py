"""Who is granted what on Google Cloud: the members and roles of every kind of IAM resource that programs use."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.resources import Resource
from policies.values import as_list, get, known, parsed

PROJECT_WIDE = tuple(
    f"gcp:{scope}/iAM{kind}:IAM{kind}"
    for scope in ("projects", "folder", "organizations")
    for kind in ("Member", "Binding", "Policy")
)
"""Grants on everything in a project, a folder or an organization."""

_RESOURCES = (
    "artifactregistry/repositoryIam",
    "bigquery/connectionIam",
    "bigquery/datasetIam",
    "bigquery/iam",
    "bigquery/routineIam",
    "bigtable/instanceIam",
    "bigtable/tableIam",
    "billing/accountIam",
    "binaryauthorization/attestorIam",
    "cloudbuildv2/connectionIAM",
    "cloudfunctions/functionIam",
    "cloudfunctionsv2/functionIam",
    "cloudrun/iam",
    "cloudrunv2/jobIam",
    "cloudrunv2/serviceIam",
    "cloudtasks/queueIam",
    "compute/diskIam",
    "compute/imageIam",
    "compute/instanceIAM",
    "compute/machineImageIam",
    "compute/snapshotIam",
    "compute/subnetworkIAM",
    "containeranalysis/noteIam",
    "dataproc/clusterIAM",
    "dataproc/jobIAM",
    "dns/dnsManagedZoneIam",
    "endpoints/serviceIam",
    "gkebackup/backupPlanIam",
    "gkehub/membershipIam",
    "healthcare/datasetIam",
    "healthcare/dicomStoreIam",
    "healthcare/fhirStoreIam",
    "healthcare/hl7StoreIam",
    "iam/workloadIdentityPoolIam",
    "iap/webIam",
    "kms/cryptoKeyIAM",
    "kms/keyRingIAM",
    "logging/logViewIam",
    "pubsub/schemaIam",
    "pubsub/subscriptionIAM",
    "pubsub/topicIAM",
    "secretmanager/regionalSecretIam",
    "secretmanager/secretIam",
    "serviceaccount/iAM",
    "sourcerepo/repositoryIam",
    "spanner/databaseIAM",
    "spanner/instanceIAM",
    "storage/bucketIAM",
    "storage/managedFolderIam",
    "vertex/aiEndpointIam",
    "vertex/aiFeatureStoreIam",
    "workbench/instanceIam",
    "workstations/workstationIam",
)


def _of_resources() -> Iterator[str]:
    for path in _RESOURCES:
        for kind in ("Member", "Binding", "Policy"):
            name = f"{path.rpartition('/')[2]}{kind}"
            yield f"gcp:{path}{kind}:{name[0].upper()}{name[1:]}"


EVERY_GRANT = (*PROJECT_WIDE, *_of_resources())
"""Grants on single resources as well."""


@dataclass(frozen=True)
class Grant:
    """A role that a member is given. Each value may be unknown."""

    role: Any
    member: Any
    condition: Any
    """An expression in the Common Expression Language; empty where there is none."""


def grants(resource: Resource) -> Iterator[Grant]:
    """What an IAM resource grants, of the kinds that add a member, set a role's members or set a whole policy.

    Raises Undecided where that is unknown as a whole; notes parts that are.
    """
    if not resource.type.endswith("Policy"):
        member = resource.get("member")
        members = as_list(resource.get("members")) if member is None else (member,)
        yield from _of(resource.properties, members)
        return
    for binding in as_list(get(parsed(resource.get("policyData", default="{}")), "bindings")):
        with resource.apart():
            yield from _of(known(binding), as_list(get(binding, "members")))


def _of(binding: Mapping[str, Any], members: Iterable[Any]) -> Iterator[Grant]:
    for member in members:
        yield Grant(get(binding, "role"), member, get(binding, "condition", "expression", default=""))

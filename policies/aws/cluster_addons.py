"""Rules for what EKS puts into a cluster: add-ons and the roles that their pods have."""

from collections.abc import Iterator, Mapping

from policies.resources import Resource, Stack
from policies.rules import related_rule
from policies.values import any_holds, as_list, known

ADDON = "aws:eks/addon:Addon"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"

_ACCOUNTS: Mapping[str, str] = {
    "amazon-cloudwatch-observability": "cloudwatch-agent",
    "aws-ebs-csi-driver": "ebs-csi-controller-sa",
    "aws-efs-csi-driver": "efs-csi-controller-sa",
    "aws-fsx-csi-driver": "fsx-csi-controller-sa",
    "aws-mountpoint-s3-csi-driver": "s3-csi-driver-sa",
    "vpc-cni": "aws-node",
}
"""The add-ons whose pods call AWS, each with its service account.

Source: Amazon EKS user guide, "IAM roles for Amazon EKS add-ons" and "AWS add-ons".
"""


@related_rule(
    ADDON,
    id="aws-addon-own-role",
    title="Add-ons that call AWS have roles of their own.",
    severity="medium",
    frameworks=("CIS EKS 1.5.0 5.2.1", "NIST AC-6"),
    wrong="The role of the nodes has to have the add-on's rights, and every pod on a node can then use them.",
    mend="name a role in podIdentityAssociations, or in serviceAccountRoleArn where there is no Pod Identity agent.",
)
def addon_own_role(addon: Resource, stack: Stack) -> Iterator[str]:
    """An aws.eks.PodIdentityAssociation may be made for its service account as well."""
    name = known(addon.get("addonName", default=""))
    account = _ACCOUNTS.get(name)
    if account is None or _has_role(addon):
        return
    if not any_holds(lambda each: bool(known(each.get("serviceAccount")) == account), stack.of(ASSOCIATION)):
        yield f"The pods of {name} use the role of the nodes."


def _has_role(addon: Resource) -> bool:
    made_of = addon.property_dependencies
    if made_of.get("serviceAccountRoleArn") or made_of.get("podIdentityAssociations"):
        return True
    return bool(known(addon.get("serviceAccountRoleArn"))) or bool(as_list(addon.get("podIdentityAssociations")))


RULES = (addon_own_role,)

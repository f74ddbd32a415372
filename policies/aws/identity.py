"""Rules for what identities on AWS are allowed: the policies of roles, users and groups."""

from collections.abc import Iterator

from policies.aws.identity_documents import (
    HOLDERS,
    POLICY,
    ROLE,
    can_be_scoped,
    changes_something,
    granted,
    objects,
    operations,
)
from policies.policy_documents import (
    Statement,
    is_all_of_a_kind,
    is_everything,
    is_narrowed,
    is_service_wide,
    matching,
    values,
)
from policies.resources import Resource
from policies.rules import Parameter, resource_rule
from policies.values import Unknown, as_list, known

ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
)
LISTS_OF_ATTACHMENTS = {
    ROLE: "managedPolicyArns",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "policyArns",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": "policyArns",
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": "policyArns",
}
"""Resources that name several policies, each with the property where they do."""

# Sources: Rhino Security Labs, "AWS IAM privilege escalation methods and mitigation"; Cloudsplaining's list of methods,
# which counts those of DataDog's pathfinding.cloud as well.
_ESCALATING = frozenset(
    {
        "ec2-instance-connect:sendsshpublickey",
        "ecs:executecommand",
        "eks:associateaccesspolicy",
        "glue:updatedevendpoint",
        "iam:addusertogroup",
        "iam:attachgrouppolicy",
        "iam:attachrolepolicy",
        "iam:attachuserpolicy",
        "iam:createaccesskey",
        "iam:createloginprofile",
        "iam:createpolicyversion",
        "iam:deleterolepermissionsboundary",
        "iam:deleteuserpermissionsboundary",
        "iam:passrole",
        "iam:putgrouppolicy",
        "iam:putrolepermissionsboundary",
        "iam:putrolepolicy",
        "iam:putuserpermissionsboundary",
        "iam:putuserpolicy",
        "iam:setdefaultpolicyversion",
        "iam:updateassumerolepolicy",
        "iam:updateloginprofile",
        "lambda:updatefunctioncode",
        "sagemaker:createpresignednotebookinstanceurl",
        "ssm:sendcommand",
        "ssm:startsession",
        "sts:assumerole",
    }
)
# Of the operations of access level "Permissions management" in the AWS service authorization reference, and of those
# that share images and snapshots, which are of level "Write".
_EXPOSING = frozenset(
    {
        "backup:putbackupvaultaccesspolicy",
        "dynamodb:putresourcepolicy",
        "ec2:modifyimageattribute",
        "ec2:modifysnapshotattribute",
        "ecr:putregistrypolicy",
        "ecr:setrepositorypolicy",
        "elasticfilesystem:putfilesystempolicy",
        "events:putpermission",
        "kms:creategrant",
        "kms:putkeypolicy",
        "lambda:addlayerversionpermission",
        "lambda:addpermission",
        "ram:associateresourceshare",
        "ram:createresourceshare",
        "rds:modifydbclustersnapshotattribute",
        "rds:modifydbsnapshotattribute",
        "s3:deletebucketpolicy",
        "s3:putaccesspointpolicy",
        "s3:putaccountpublicaccessblock",
        "s3:putbucketacl",
        "s3:putbucketownershipcontrols",
        "s3:putbucketpolicy",
        "s3:putbucketpublicaccessblock",
        "s3:putobjectacl",
        "s3:putobjectversionacl",
        "secretsmanager:putresourcepolicy",
        "sns:addpermission",
        "sns:settopicattributes",
        "sqs:addpermission",
        "sqs:setqueueattributes",
    }
)
# Cloudsplaining's operations that take data out, those of AWS Foundational Security Best Practices KMS.1, and the like
# of the other services that hold data.
_READING_DATA = frozenset(
    {
        "dynamodb:batchgetitem",
        "dynamodb:exporttabletopointintime",
        "dynamodb:getitem",
        "dynamodb:query",
        "dynamodb:scan",
        "ebs:getsnapshotblock",
        "ec2:getpassworddata",
        "kinesis:getrecords",
        "kms:decrypt",
        "kms:reencryptfrom",
        "rds-data:executestatement",
        "rds-db:connect",
        "redshift:getclustercredentials",
        "s3:getobject",
        "s3:getobjectversion",
        "secretsmanager:batchgetsecretvalue",
        "secretsmanager:getsecretvalue",
        "sqs:receivemessage",
        "ssm:getparameter",
        "ssm:getparameters",
        "ssm:getparametersbypath",
    }
)
_JUDGED_APART = _ESCALATING | _EXPOSING | _READING_DATA
_HARMLESS = frozenset({"logs:createloggroup"})
"""Nothing of others' changes by it. AWS writes it for all log groups into the role of every function of Lambda's."""


@resource_rule(
    *HOLDERS,
    id="aws-identity-no-wildcard-action",
    title="Identities are allowed single operations, not whole services.",
    severity="high",
    frameworks=("CKV_AWS_62", "CKV_AWS_63", "CIS AWS 3.0.0 1.16", "AWS Security Hub IAM.21", "NIST AC-6"),
    wrong="Whoever takes the identity over can do all that the service offers, now and in future.",
    mend="name in the policy the operations that are needed, such as s3:GetObject, or limit them by a Condition.",
)
def no_wildcard_action(holder: Resource) -> Iterator[str]:
    """A wildcard within a name, such as ec2:Describe*, stands for a few operations and is judged by what they do."""
    for statement in granted(holder):
        for operation in operations(holder, statement):
            with holder.apart():
                if is_service_wide(operation) and not is_narrowed(statement):
                    yield f"{_sid(statement)} allows {operation!r}."


@resource_rule(
    *HOLDERS,
    id="aws-identity-no-wildcard-resource",
    title="Identities may change single resources, where AWS can limit that.",
    severity="medium",
    frameworks=("CKV_AWS_355", "CKV_AWS_290", "NIST AC-6"),
    wrong="Whoever takes the identity over can change or delete what others work with.",
    mend="name the resources' ARNs in the policy, or limit them by a Condition such as aws:ResourceTag.",
)
def no_wildcard_resource(holder: Resource) -> Iterator[str]:
    """Looking things up is let be: of most such operations AWS lets nothing be named.

    Operations that open a way to rights or data have rules of their own.
    """
    for statement in granted(holder):
        for operation in operations(holder, statement):
            if (
                is_service_wide(operation)
                or not changes_something(operation)
                or operation.lower() in _HARMLESS
                or matching(operation, _JUDGED_APART)
                or not can_be_scoped(operation)
            ):
                continue
            for resource in objects(holder, statement):
                with holder.apart():
                    if is_everything(resource) and not is_narrowed(statement, by_region=True):
                        yield f"{_sid(statement)} allows {operation!r} on {resource!r}."


@resource_rule(
    *HOLDERS,
    id="aws-identity-no-exclusions",
    title="Policies say what is allowed, not what is left out.",
    severity="high",
    frameworks=("NIST AC-6", "NIST CM-7(5)"),
    wrong="Everything else is allowed, with all that AWS adds in future.",
    mend="name what is allowed in Action and Resource, and forbid the rest, if need be, in a statement that denies.",
)
def no_exclusions(holder: Resource) -> Iterator[str]:
    """Source: IAM user guide, "IAM JSON policy elements: NotAction", which warns of it beside Allow."""
    for statement in granted(holder):
        for key, what in (("NotAction", "operation"), ("NotResource", "resource")):
            with holder.apart():
                if values(statement, key):
                    yield f"{_sid(statement)} allows every {what} but those in its {key}."


@resource_rule(
    *HOLDERS,
    id="aws-identity-no-privilege-escalation",
    title="Identities cannot give themselves the rights of others.",
    severity="critical",
    frameworks=("CKV_AWS_286", "CKV_AWS_110", "NIST AC-6(10)"),
    wrong="Whoever takes the identity over can make it an administrator.",
    mend="name the single roles, users or functions in Resource, or limit the statement by a Condition such as "
    "iam:PassedToService or iam:PermissionsBoundary.",
)
def no_privilege_escalation(holder: Resource) -> Iterator[str]:
    """Handing any role to a service is as good as having it: what combines with it comes in many ways."""
    yield from _on_all_of_a_kind(holder, _ESCALATING)


@resource_rule(
    *HOLDERS,
    id="aws-identity-no-exposure",
    title="Identities cannot open every resource of a kind to others.",
    severity="high",
    frameworks=("CKV_AWS_289", "CKV_AWS_109", "NIST AC-3", "NIST AC-6"),
    wrong="Whoever takes the identity over can share data with another account, or with everybody.",
    mend="name the single buckets, keys, queues or repositories in Resource, or limit the statement by a Condition.",
)
def no_exposure(holder: Resource) -> Iterator[str]:
    """Whoever may change the policy of a resource decides who uses it."""
    yield from _on_all_of_a_kind(holder, _EXPOSING)


@resource_rule(
    *HOLDERS,
    id="aws-identity-data-narrow",
    title="Identities read the data of single buckets, keys, secrets, tables and queues.",
    severity="high",
    frameworks=("CKV_AWS_288", "CKV_AWS_108", "AWS Security Hub KMS.1", "AWS Security Hub KMS.2", "NIST AC-6"),
    wrong="Whoever takes the identity over can read the data and secrets of everything in the account.",
    mend="name the single ARNs in Resource, such as arn:aws:s3:::BUCKET/PREFIX/*.",
)
def data_narrow(holder: Resource) -> Iterator[str]:
    """A key that is used through one service only (kms:ViaService) is limited by that."""
    yield from _on_all_of_a_kind(holder, _READING_DATA)


def _on_all_of_a_kind(holder: Resource, judged: frozenset[str]) -> Iterator[str]:
    for statement in granted(holder):
        for operation in operations(holder, statement):
            if is_service_wide(operation) or not matching(operation, judged):
                continue
            for resource in objects(holder, statement):
                with holder.apart():
                    if is_all_of_a_kind(resource) and not is_narrowed(statement):
                        yield f"{_sid(statement)} allows {operation!r} on {resource!r}."


def _sid(statement: Statement) -> str:
    sid = statement.get("Sid")
    return f"The statement {sid}" if isinstance(sid, str) and sid else "A statement"


@resource_rule(
    *ATTACHMENTS,
    *LISTS_OF_ATTACHMENTS,
    id="aws-identity-no-administrator-policy",
    title="Nobody is given AWS's own policies of administrators.",
    severity="critical",
    frameworks=("CKV_AWS_274", "CIS AWS 3.0.0 1.16", "NIST AC-6"),
    wrong="Whoever takes the identity over owns the account.",
    mend="attach a policy of your own with the operations that are needed.",
    parameters={
        "policies": Parameter(
            ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess"), "names of AWS's policies that nobody is given"
        )
    },
)
def no_administrator_policy(holder: Resource, policies: tuple[str, ...]) -> Iterator[str]:
    """People get such rights through IAM Identity Center, for the time they need them."""
    name_of_property = LISTS_OF_ATTACHMENTS.get(holder.type, "policyArn")
    own = any(
        f"::{POLICY}::" in urn or f"${POLICY}::" in urn
        for urn in holder.property_dependencies.get(name_of_property, ())
    )
    listed = holder.get(name_of_property)
    for arn in as_list(listed) if holder.type in LISTS_OF_ATTACHMENTS else (listed,):
        with holder.apart():
            if own and isinstance(arn, Unknown):
                continue
            owner, _, name = str(known(arn)).partition(":policy/")
            if owner.endswith(":iam::aws") and name in policies:
                yield f"It is given AWS's policy {name}."


RULES = (
    no_wildcard_action,
    no_wildcard_resource,
    no_exclusions,
    no_privilege_escalation,
    no_exposure,
    data_narrow,
    no_administrator_policy,
)

"""Cases of the rules for what identities on AWS are allowed."""

import json
from typing import Any

from policies.aws import identity
from policies.aws.identity_documents import GROUP_POLICY, PERMISSION_SET_POLICY, POLICY, ROLE, ROLE_POLICY, USER_POLICY
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource

ACCOUNT = "123456789012"
OBJECTS = "arn:aws:s3:::models/digits/*"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/*"
OWN = {"StringEquals": {"aws:ResourceTag/project": "digits"}}
BY_REGION = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
OVER_TLS = {"Bool": {"aws:SecureTransport": "true"}}


def _allow(action: Any = "s3:GetObject", resource: Any = OBJECTS, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _deny(action: Any = "*", resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource}


def _policy(*statements: Any, type_: str = ROLE_POLICY) -> Resource:
    return made(type_, "it", {"policy": {"Version": "2012-10-17", "Statement": list(statements)}})


def _as_text(*statements: Any, type_: str = POLICY) -> Resource:
    return made(type_, "it", {"policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})})


def _inline(*statements: Any) -> Resource:
    policies = [{"name": "it", "policy": json.dumps({"Statement": list(statements)})}]
    return made(ROLE, "it", {"inlinePolicies": policies})


def _permission_set(*statements: Any) -> Resource:
    return made(PERMISSION_SET_POLICY, "it", {"inlinePolicy": json.dumps({"Statement": list(statements)})})


def _attached(arn: str) -> Resource:
    return made("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "it", {"role": "deployer", "policyArn": arn})


SOUND = [
    _policy(_allow(), _deny()),
    _as_text(_allow(["s3:GetObject", "s3:PutObject"]), _allow("s3:ListBucket", "arn:aws:s3:::models")),
    made(ROLE_POLICY, "single", {"policy": {"Statement": _allow()}}),
    made(ROLE, "none", {"assumeRolePolicy": "{}"}),
    made(ROLE, "emptied", {"inlinePolicies": [{}]}),
    _inline(_allow()),
    _permission_set(_allow()),
]

CASES = (
    Cases(
        identity.no_wildcard_action,
        passing=[
            *SOUND,
            _policy(_allow("ec2:Describe*", "*"), _allow("s3:Get*")),
            _policy(_allow("ec2:*", "*", Condition=OWN)),
            _policy(_allow("elasticloadbalancing:*", "*", Condition={"Null": {"aws:ResourceTag/cluster": "false"}})),
        ],
        failing=[
            (_policy(_allow("*")), "A statement allows '*'."),
            (_as_text(_allow(["s3:GetObject", "kms:*"], Sid="Keys")), "The statement Keys allows 'kms:*'."),
            (_policy(_allow("s3:*", Condition=OVER_TLS)), "A statement allows 's3:*'."),
            (_policy(_allow("s3:*", Condition=BY_REGION)), "A statement allows 's3:*'."),
            *(
                (_policy(_allow("*", "*", Condition=condition)), "A statement allows '*'.")
                for condition in (
                    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
                    {"StringEquals": {"aws:PrincipalTag/team": "platform"}},
                    {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/ci-*"}},
                    {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
                    {"Null": {"aws:ResourceTag/project": "true"}},
                )
            ),
            (_policy(_allow("s3:*", Condition={"StringLike": {"aws:ResourceTag/team": "*"}})), "allows 's3:*'."),
            (_policy(_allow("s3:*", Condition={"StringNotEquals": {"s3:prefix": "own"}})), "allows 's3:*'."),
            (
                _policy(_allow("s3:*", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}})),
                "allows 's3:*'.",
            ),
            (_policy(_allow("s3*:Get*")), "A statement allows 's3*:Get*'."),
            (_policy(UNKNOWN, _allow("sqs:*")), "A statement allows 'sqs:*'."),
            (_policy(_allow([UNKNOWN, "sqs:**"])), "A statement allows 'sqs:**'."),
            (_inline(_allow("dynamodb:*")), "A statement allows 'dynamodb:*'."),
            (_permission_set(_allow("ec2:*", "*")), "A statement allows 'ec2:*'."),
            (_policy(_allow("*", "*"), type_=USER_POLICY), "A statement allows '*'."),
            (_policy(_allow("*", "*"), type_=GROUP_POLICY), "A statement allows '*'."),
        ],
    ),
    Cases(
        identity.no_wildcard_resource,
        passing=[
            *SOUND,
            _policy(_allow(["ec2:DescribeInstances", "eks:ListClusters", "sts:GetCallerIdentity"], "*")),
            _policy(_allow(["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData", "xray:PutTraceSegments"], "*")),
            _policy(_allow(["logs:FilterLogEvents", "logs:StartQuery", "iam:SimulatePrincipalPolicy"], "*")),
            _policy(_allow("pricing:*", "*"), _allow(["ec2messages:Send*", "ssmmessages:CreateDataChannel"], "*")),
            _policy(_allow("ec2:TerminateInstances", "*", Condition=OWN)),
            _policy(_allow("ec2:CreateTags", "*", Condition=BY_REGION)),
            _policy(_allow("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:notices")),
            _policy(_allow("ec2:StopInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*", Condition=OWN)),
            _policy(_allow("logs:CreateLogGroup", f"arn:aws:logs:eu-west-1:{ACCOUNT}:*")),
        ],
        failing=[
            (_policy(_allow("sqs:SendMessage", "*")), "A statement allows 'sqs:SendMessage' on '*'."),
            (_policy(_allow("s3:PutObject", "arn:aws:s3:::*")), "allows 's3:PutObject' on 'arn:aws:s3:::*'."),
            (_policy(_allow("s3:PutObject", "arn:aws:s3:::*/*")), "allows 's3:PutObject' on 'arn:aws:s3:::*/*'."),
            (_policy(_allow("ec2:Delete*", [OBJECTS, "*"])), "A statement allows 'ec2:Delete*' on '*'."),
            (_policy(_allow("sqs:DeleteQueue", "arn:aws:sqs*")), "allows 'sqs:DeleteQueue' on 'arn:aws:sqs*'."),
            (_policy(_allow("logs:Create*", "*")), "A statement allows 'logs:Create*' on '*'."),
            (_policy(_allow("sns:Publish", "arn:aws:sns:*:*:*")), "allows 'sns:Publish' on 'arn:aws:sns:*:*:*'."),
            (_policy(_allow("EC2:TerminateInstances", "*", Condition=OVER_TLS)), "allows 'EC2:TerminateInstances'"),
            (_policy(_allow(["kms:CreateKey", "kms:ScheduleKeyDeletion"], "*")), "allows 'kms:ScheduleKeyDeletion' on"),
        ],
    ),
    Cases(
        identity.no_exclusions,
        passing=[*SOUND, _policy(_allow(), {"Effect": "Deny", "NotAction": "iam:*", "NotResource": OBJECTS})],
        failing=[
            (
                _policy({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}),
                "A statement allows every operation but those in its NotAction.",
            ),
            (
                _as_text({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": OBJECTS}),
                "A statement allows every resource but those in its NotResource.",
            ),
        ],
    ),
    Cases(
        identity.no_privilege_escalation,
        passing=[
            *SOUND,
            _policy(_allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/digits-nodes")),
            _policy(_allow("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/digits-*")),
            _policy(
                _allow("iam:PassRole", ROLES, Condition={"StringEquals": {"iam:PassedToService": "eks.amazonaws.com"}})
            ),
            _policy(_allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")),
            _policy(_allow("sts:AssumeRole", "arn:aws:iam::*:role/cdk-*")),
            _policy(_allow(["iam:Get*", "iam:ListRoles"], "*"), _allow("iam:CreateServiceLinkedRole", "*")),
            _policy(_allow("iam:*", "*")),
            _policy(_deny("iam:PassRole")),
        ],
        failing=[
            (_policy(_allow("iam:PassRole", "*")), "A statement allows 'iam:PassRole' on '*'."),
            (_policy(_allow("iam:PassRole", ROLES)), f"A statement allows 'iam:PassRole' on '{ROLES}'."),
            (_policy(_allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role*")), "allows 'iam:PassRole' on"),
            (_policy(_allow("IAM:Pass*", "arn:aws:iam::*:r*")), "allows 'IAM:Pass*' on 'arn:aws:iam::*:r*'."),
            (_policy(_allow("iam:createpolicyversion", "arn:aws:iam::*:policy/*")), "allows 'iam:createpolicyversion'"),
            (_policy(_allow("iam:Put*", "*")), "A statement allows 'iam:Put*' on '*'."),
            (
                _policy(
                    _allow("iam:PassRole", "*", Condition={"StringLike": {"iam:PassedToService": "*.amazonaws.com"}})
                ),
                "A statement allows 'iam:PassRole' on '*'.",
            ),
            (_policy(_allow("iam:A*RolePolicy", "*")), "A statement allows 'iam:A*RolePolicy' on '*'."),
            (_as_text(_allow(["sts:AssumeRole"], [OBJECTS, "*"])), "A statement allows 'sts:AssumeRole' on '*'."),
            (
                _policy(_allow("iam:CreateAccessKey", "arn:aws:iam::*:user/*", Condition=BY_REGION)),
                "iam:CreateAccessKey",
            ),
            (
                _policy(_allow("lambda:UpdateFunctionCode", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:*")),
                "allows 'lambda:UpdateFunctionCode' on",
            ),
            (_policy(_allow("iam:PassRole", [UNKNOWN, "*"])), "A statement allows 'iam:PassRole' on '*'."),
        ],
    ),
    Cases(
        identity.no_exposure,
        passing=[
            *SOUND,
            _policy(_allow("s3:PutBucketPolicy", "arn:aws:s3:::digits-*")),
            _policy(_allow("s3:PutObjectAcl", OBJECTS)),
            _policy(_allow("kms:CreateGrant", "*", Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}})),
            _policy(_allow("sqs:SetQueueAttributes", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:notices")),
        ],
        failing=[
            (
                _policy(_allow("s3:PutBucketPolicy", "arn:aws:s3:::*")),
                "allows 's3:PutBucketPolicy' on 'arn:aws:s3:::*'.",
            ),
            (
                _policy(_allow("kms:PutKeyPolicy", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*")),
                "allows 'kms:PutKeyPolicy'",
            ),
            (
                _policy(_allow("ec2:ModifySnapshotAttribute", "*")),
                "A statement allows 'ec2:ModifySnapshotAttribute' on",
            ),
            (_inline(_allow("lambda:Add*", "*")), "A statement allows 'lambda:Add*' on '*'."),
        ],
    ),
    Cases(
        identity.data_narrow,
        passing=[
            *SOUND,
            _policy(_allow("s3:GetObject", ["arn:aws:s3:::digits-models/*", "arn:aws:s3:::digits*"])),
            _policy(_allow("sqs:ReceiveMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:digits*")),
            _policy(_allow("kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/3f9a")),
            _policy(
                _allow(
                    "kms:Decrypt", "*", Condition={"StringEquals": {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}}
                )
            ),
            _policy(_allow("ssm:GetParameters", "arn:aws:ssm:eu-west-1::parameter/aws/service/*")),
            _policy(_allow("s3:GetObject", "arn:aws:s3:::models/${aws:PrincipalTag/team}/*")),
            _policy(_allow(["s3:GetBucketLocation", "ssm:DescribeParameters", "secretsmanager:ListSecrets"], "*")),
        ],
        failing=[
            (_policy(_allow("s3:GetObject", "*")), "A statement allows 's3:GetObject' on '*'."),
            (
                _policy(_allow("s3:GetObject", "*", Condition={"StringEquals": {"s3:ResourceAccount": ACCOUNT}})),
                "A statement allows 's3:GetObject' on '*'.",
            ),
            (_policy(_allow("s3:Get*", "arn:aws:s3:::*")), "A statement allows 's3:Get*' on 'arn:aws:s3:::*'."),
            (_policy(_allow("kms:Decrypt", f"arn:aws:kms:*:{ACCOUNT}:key/*")), "A statement allows 'kms:Decrypt' on"),
            (
                _as_text(
                    _allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:*")
                ),
                "allows 'secretsmanager:GetSecretValue' on",
            ),
            (_policy(_allow("ssm:GetParameter*", "*", Condition=BY_REGION)), "allows 'ssm:GetParameter*' on '*'."),
            (
                _policy(_allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:*:{ACCOUNT}:secret*")),
                "allows 'secretsmanager:GetSecretValue' on",
            ),
            (_policy(_allow("s3:Get*Object*", "arn:aws:s3:::*/*")), "allows 's3:Get*Object*' on 'arn:aws:s3:::*/*'."),
            (
                _policy(_allow("kms:Decrypt", "*", Condition={"StringLike": {"kms:ViaService": ["s3.*", "*"]}})),
                "A statement allows 'kms:Decrypt' on '*'.",
            ),
            (_policy(_allow("dynamodb:Scan", f"arn:aws:dynamodb:*:{ACCOUNT}:table/*")), "allows 'dynamodb:Scan' on"),
        ],
    ),
    Cases(
        identity.no_administrator_policy,
        passing=[
            _attached("arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"),
            _attached(f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess"),
            _attached("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"),
            made(identity.ATTACHMENTS[0], "own", refers={"policyArn": made(POLICY, "own")}),
            made(
                ROLE, "role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"]}
            ),
            made(ROLE, "plain"),
        ],
        failing=[
            (_attached("arn:aws:iam::aws:policy/AdministratorAccess"), "It is given AWS's policy AdministratorAccess."),
            *(
                (
                    made(type_, "it", {name: ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
                    "It is given AWS's policy AdministratorAccess.",
                )
                for type_, name in identity.LISTS_OF_ATTACHMENTS.items()
            ),
            (_attached("arn:aws-cn:iam::aws:policy/PowerUserAccess"), "It is given AWS's policy PowerUserAccess."),
            (
                made(identity.ATTACHMENTS[3], "it", {"policyArn": "arn:aws:iam::aws:policy/IAMFullAccess"}),
                "It is given AWS's policy IAMFullAccess.",
            ),
            (
                made(ROLE, "it", {"managedPolicyArns": [UNKNOWN, "arn:aws:iam::aws:policy/AdministratorAccess"]}),
                "It is given AWS's policy AdministratorAccess.",
            ),
        ],
    ),
)

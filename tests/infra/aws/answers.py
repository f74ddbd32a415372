"""What AWS answers when a resource is made: its identifier, and what the provider computes beyond the inputs.

Made up, and always the same for the same inputs. The stand-in of the provider's plugin answers so.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from tests.infra.joined import joined

ACCOUNT = "123456789012"
REGION = "eu-west-1"

Properties = dict[str, Any]

PHYSICAL_NAMES = {
    "aws:cloudwatch/eventRule:EventRule": "name",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:ec2/placementGroup:PlacementGroup": "name",
    "aws:ecr/repository:Repository": "name",
    "aws:eks/cluster:Cluster": "name",
    "aws:iam/instanceProfile:InstanceProfile": "name",
    "aws:iam/role:Role": "name",
    "aws:kms/alias:Alias": "name",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "name",
}
"""The property that is the identifier, by type, of what AWS knows by name."""

ARNS = {
    "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}",
    "aws:ecr/repository:Repository": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{}}",
    "aws:eks/cluster:Cluster": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{{}}",
    "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{}",
}
"""The ARN of an identifier, of those types whose ARN the program writes itself."""


def identifier_of(type_: str, name: str, inputs: Mapping[str, Any]) -> str:
    """The identifier that AWS would give, or one like it, always the same."""
    made_up = f"{name}-{hashlib.sha256(f'{type_} {name}'.encode()).hexdigest()[:8]}"
    return str(inputs.get(PHYSICAL_NAMES.get(type_, ""), made_up))


def _computed(type_: str, identifier: str) -> Properties:
    """What AWS answers beyond the inputs."""
    arn = ARNS.get(type_, f"arn:aws:stand-in:{REGION}:{ACCOUNT}:{type_.rpartition(':')[2]}/{{}}").format(identifier)
    common = {"arn": arn, "name": identifier}
    match type_:
        case "aws:eks/cluster:Cluster":
            issuer = f"https://oidc.eks.{REGION}.amazonaws.com/id/0123456789ABCDEF"
            return common | {
                "endpoint": f"https://0123456789ABCDEF.gr7.{REGION}.eks.amazonaws.com",
                "certificateAuthority": {"data": "Y2VydGlmaWNhdGU="},
                "identities": [{"oidcs": [{"issuer": issuer}]}],
                "vpcConfig": {"clusterSecurityGroupId": "sg-0123456789abcdef0"},
            }
        case "aws:eks/nodeGroup:NodeGroup":
            groups = [{"autoscalingGroups": [{"name": f"eks-{identifier}"}]}]
            return common | {"nodeGroupName": identifier, "resources": groups}
        case "aws:ec2/launchTemplate:LaunchTemplate":
            return common | {"latestVersion": 1}
        case "aws:ecr/repository:Repository":
            return common | {"repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{identifier}"}
        case "aws:kms/key:Key":
            return common | {"keyId": identifier}
        case "aws:sqs/queue:Queue":
            return common | {"url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{identifier}"}
        case _:
            return common


def outputs_of(type_: str, identifier: str, inputs: Mapping[str, Any]) -> Properties:
    """Inputs and computed outputs, joined where an object has both."""
    return joined(_computed(type_, identifier), inputs)

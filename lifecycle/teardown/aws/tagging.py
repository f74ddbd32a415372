"""Asks AWS' tagging API for everything with the stack's tags, and tells how to remove what no other file looks for."""

from collections.abc import Iterable, Iterator

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.calls import Calls
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Found, Stage, Tagged
from lifecycle.teardown.subject import Subject

_REMOVALS: dict[str, tuple[Stage, str, str]] = {
    "acm:certificate": (Stage.OTHERS, "certificate", "acm delete-certificate --certificate-arn {arn}"),
    "cloudwatch:alarm": (Stage.STARTERS, "alarm", "cloudwatch delete-alarms --alarm-names {id}"),
    "dynamodb:table": (Stage.STORES, "DynamoDB table", "dynamodb delete-table --table-name {id}"),
    "ec2:dhcp-options": (Stage.NETWORKS, "DHCP options", "ec2 delete-dhcp-options --dhcp-options-id {id}"),
    "ec2:elastic-ip": (Stage.ADDRESSES, "elastic IP address", "ec2 release-address --allocation-id {id}"),
    "ec2:instance": (Stage.NODES, "instance", "ec2 terminate-instances --instance-ids {id}"),
    "ec2:key-pair": (Stage.OTHERS, "key pair", "ec2 delete-key-pair --key-pair-id {id}"),
    "ec2:network-acl": (Stage.SUBNETS, "network ACL", "ec2 delete-network-acl --network-acl-id {id}"),
    "ec2:network-interface": (
        Stage.INTERFACES,
        "network interface",
        "ec2 delete-network-interface --network-interface-id {id}",
    ),
    "ec2:placement-group": (Stage.TEMPLATES, "placement group", "ec2 delete-placement-group --group-name {id}"),
    "ec2:security-group": (Stage.SECURITY_GROUPS, "security group", "ec2 delete-security-group --group-id {id}"),
    "ec2:snapshot": (Stage.DISKS, "EBS snapshot", "ec2 delete-snapshot --snapshot-id {id}"),
    "ec2:spot-instances-request": (
        Stage.STARTERS,
        "spot request",
        "ec2 cancel-spot-instance-requests --spot-instance-request-ids {id}",
    ),
    "ec2:volume": (Stage.DISKS, "EBS volume", "ec2 delete-volume --volume-id {id}"),
    "ecr:repository": (Stage.STORES, "image repository", "ecr delete-repository --force --repository-name {id}"),
    "elasticfilesystem:file-system": (Stage.DISKS, "EFS file system", "efs delete-file-system --file-system-id {id}"),
    "elasticloadbalancing:loadbalancer": (
        Stage.LOAD_BALANCERS,
        "load balancer",
        "elbv2 delete-load-balancer --load-balancer-arn {arn}",
    ),
    "elasticloadbalancing:targetgroup": (
        Stage.TARGET_GROUPS,
        "target group",
        "elbv2 delete-target-group --target-group-arn {arn}",
    ),
    "fsx:file-system": (Stage.DISKS, "FSx file system", "fsx delete-file-system --file-system-id {id}"),
    "kms:key": (Stage.KEYS, "KMS key", "kms schedule-key-deletion --key-id {id} --pending-window-in-days 7"),
    "lambda:function": (Stage.STARTERS, "function", "lambda delete-function --function-name {id}"),
    "logs:log-group": (Stage.RECORDS, "log group", "logs delete-log-group --log-group-name {id}"),
    "secretsmanager:secret": (Stage.OTHERS, "secret", "secretsmanager delete-secret --secret-id {arn}"),
    "sns:": (Stage.RECORDS, "SNS topic", "sns delete-topic --topic-arn {arn}"),
    "ssm:parameter": (Stage.OTHERS, "parameter", "ssm delete-parameter --name /{id}"),
}
"""By `service:type` of an ARN: when it can be removed, what it is, and the command."""


def find_tagged(calls: Calls, subject: Subject) -> list[Tagged]:
    """Everything that the tagging API names as the stack's, in the region. Raises botocore's errors.

    It knows of a deletion some minutes late, and of an untagged resource never.
    """
    filters = [{"Key": name, "Values": [value]} for name, value in subject.tags.items()]
    named = calls.all("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters)
    return [parse_arn(each["ResourceARN"]) for each in named]


def parse_arn(arn: str) -> Tagged:
    """The parts of an ARN. Raises ValueError where it is none.

    Source: IAM user guide, "Amazon Resource Names": `arn:PARTITION:SERVICE:REGION:ACCOUNT:` and then an id,
    `type/id` or `type:id`.
    """
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise ValueError(f"{arn!r} is not an ARN")
    service, rest = parts[2], parts[5]
    if service in ("s3", "sns", "sqs"):
        return Tagged(arn, service, "", rest)
    cut = min((place for mark in "/:" if (place := rest.find(mark)) > 0), default=-1)
    if cut < 0:
        return Tagged(arn, service, "", rest)
    kind, name = rest[:cut], rest[cut + 1 :]
    return Tagged(arn, service, kind, name.removesuffix(":*") if service == "logs" else name)


def beyond(subject: Subject, tagged: Iterable[Tagged], looked_at: frozenset[str], found: set[str]) -> Iterator[Found]:
    """What the tagging API names and no finder has looked at, each with its removal where one is known.

    :param looked_at: The `service:type` that finders have looked at, so that what they do not name is gone.
    :param found: The ids and ARNs that they have found.
    """
    tags = " ".join(f"{name}={value}" for name, value in subject.tags.items())
    for each in tagged:
        family = f"{each.service}:{each.type}"
        if family in looked_at or each.id in found or each.arn in found:
            continue
        why = f"tags {tags}"
        if family in _REMOVALS:
            stage, kind, words = _REMOVALS[family]
            line = command(subject.region, words, id=each.id, arn=each.arn)
            yield Found(stage, Leftover(kind, each.id, why, (line,)))
        else:
            yield Found(Stage.OTHERS, Leftover(f"{each.service} {each.type}".strip(), each.arn, why))

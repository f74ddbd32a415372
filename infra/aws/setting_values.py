"""The values that settings of AWS are made of, and what is valid of each."""

from typing import Annotated

from pydantic import AfterValidator

from infra.setting_types import Whole, pattern, refuse

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""The retentions that CloudWatch Logs knows, in days. Source: CloudWatch Logs API, PutRetentionPolicy."""


REGIONS = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
    "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
    "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1",
    "us-gov-west-1", "us-west-1", "us-west-2",
)  # fmt: skip
"""The regions that have EKS, in the partitions that this platform knows. Source: botocore's table of endpoints."""


def _retention(days: int) -> int:
    if days not in RETENTION_DAYS:
        raise refuse(f"must be one of {', '.join(map(str, RETENTION_DAYS))}")
    return days


RetentionDays = Annotated[Whole, AfterValidator(_retention)]
RoleArn = Annotated[
    str,
    pattern(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", "the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME"),
]

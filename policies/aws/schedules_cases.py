"""Cases of the rules for schedules of EventBridge Scheduler."""

import json
from typing import Any

from policies.aws import schedules
from policies.aws.schedules import SCHEDULE
from policies.aws.trust import ROLE
from policies.cases import Cases, made
from policies.resources import Resource

SCHEDULER = {"Service": "scheduler.amazonaws.com"}
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab"
ROLE_ARN = "arn:aws:iam::123456789012:role/nightly"


def role(*principals: Any, name: str = "nightly", arn: str = "") -> Resource:
    """A role that these may take."""
    trusted = [{"Effect": "Allow", "Principal": each, "Action": "sts:AssumeRole"} for each in principals]
    properties = {"assumeRolePolicy": json.dumps({"Statement": trusted})}
    return made(ROLE, name, properties | ({"arn": arn} if arn else {}))


def schedule(acts_by: Resource) -> Resource:
    """A schedule whose role is yet to come."""
    return made(SCHEDULE, "nightly", refers={"target": acts_by})


CASES = (
    Cases(
        schedules.customer_managed_key,
        passing=[
            made(SCHEDULE, "it", {"kmsKeyArn": KEY}),
            made(SCHEDULE, "it", refers={"kmsKeyArn": made("aws:kms/key:Key", "schedules")}),
        ],
        failing=[
            (made(SCHEDULE, "it"), "It is encrypted with a key that AWS owns."),
            (made(SCHEDULE, "it", {"kmsKeyArn": ""}), "It is encrypted with a key that AWS owns."),
        ],
    ),
    Cases(
        schedules.role_of_its_own,
        passing=[
            [role(SCHEDULER), schedule(role(SCHEDULER))],
            [role({"Service": "ec2.amazonaws.com"}, name="other"), schedule(role(SCHEDULER))],
            # A role that is there already.
            made(SCHEDULE, "it", {"target": {"roleArn": ROLE_ARN}}),
            [role(SCHEDULER, arn=ROLE_ARN), made(SCHEDULE, "it", {"target": {"roleArn": ROLE_ARN}})],
        ],
        failing=[
            (
                [role(SCHEDULER, {"Service": "lambda.amazonaws.com"}), schedule(role(SCHEDULER))],
                "lambda.amazonaws.com may take its role nightly, too.",
            ),
            (
                [role({"Service": [*SCHEDULER.values(), "ec2.amazonaws.com"]}), schedule(role(SCHEDULER))],
                "ec2.amazonaws.com may take its role",
            ),
            ([role("*"), schedule(role("*"))], "'*' may take its role nightly, too."),
            (
                [
                    role({"AWS": "arn:aws:iam::123456789012:root"}, arn=ROLE_ARN),
                    made(SCHEDULE, "it", {"target": {"roleArn": ROLE_ARN}}),
                ],
                "arn:aws:iam::123456789012:root may take its role",
            ),
        ],
    ),
)

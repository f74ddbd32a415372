"""Cases of the rules on who pays, and on who is told."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.cost import ownership
from policies.cost.examples import CLUSTER, TAGS, gke_pool, node_group
from policies.resources import Resource

LARGE = node_group(["g5.12xlarge", "g4dn.12xlarge"], most=8)
TELLING = [{"subscriberEmailAddresses": ["ada@example.com"], "threshold": 80}]
OF_TOPIC = [{"subscriberSnsTopicArns": ["arn:aws:sns:eu-west-1:123456789012:bills"], "threshold": 80}]
GCP_BUDGET = made(ownership.GCP_BUDGET, "month", {"thresholdRules": [{"thresholdPercent": 0.8}]})


def bucket(**properties: Any) -> Resource:
    """A bucket beside what is large."""
    return made("aws:s3/bucket:Bucket", "models", properties)


NOBODY = {"disableDefaultIamRecipients": True}
MAIL = {**NOBODY, "monitoringNotificationChannels": ["projects/p/notificationChannels/1"]}
LABELS = dict.fromkeys(TAGS, "lower-case")


def gcp_budget(units: str = "2000", **properties: Any) -> Resource:
    """A budget of Google Cloud in US dollars a month."""
    amount = {"specifiedAmount": {"currencyCode": "USD", "units": units}}
    return made(ownership.GCP_BUDGET, "month", {"amount": amount, **properties})


def budget(amount: str = "2000", **properties: Any) -> Resource:
    """A budget in US dollars a month."""
    return made(
        ownership.AWS_BUDGET,
        "month",
        {
            "budgetType": "COST",
            "limitAmount": amount,
            "limitUnit": "USD",
            "timeUnit": "MONTHLY",
            "notifications": TELLING,
            **properties,
        },
    )


CASES = (
    Cases(
        ownership.stack_has_owner,
        passing=[
            [LARGE, CLUSTER, bucket(tags=TAGS), made("pulumi:pulumi:Stack", "dev")],
            [],
            # A small stack is nobody's trouble.
            bucket(tags={"owner": "unassigned"}),
            [LARGE, made("gcp:compute/instance:Instance", "vm", {"tags": ["web"]})],
            [LARGE, bucket(tags=None, tagsAll=TAGS)],
            [LARGE, made("gcp:storage/bucket:Bucket", "models", {"labels": TAGS})],
            [LARGE, made("kubernetes:core/v1:Service", "web", {"labels": {}})],
            # What a pool of GKE calls labels is Kubernetes', and what a channel calls so is an address.
            gke_pool(most=100, resourceLabels=LABELS, labels={"pool": "training"}),
            [
                gke_pool(most=100, resourceLabels=LABELS),
                made(ownership.CHANNEL, "mail", {"labels": {"email_address": "a@b.c"}, "userLabels": LABELS}),
            ],
        ],
        failing=[
            ([LARGE, bucket(tags={**TAGS, "owner": "unassigned"})], "The tag owner is unassigned, on models for one"),
            (
                [LARGE, bucket(tags={"project": "a", "stack": "b", "owner": "c"})],
                "The tag cost_centre is missing, on models",
            ),
            ([LARGE, bucket(tags={**TAGS, "owner": ""})], "The tag owner is missing"),
            ([LARGE, bucket(tags={**TAGS, "owner": {"no": "text"}})], "The tag owner is missing"),
            ([LARGE, bucket(tags=None)], "in a stack of up to $13,912.05 a month."),
            (
                [LARGE, made("gcp:compute/instance:Instance", "vm", {"tags": ["web"], "labels": {"owner": "ada"}})],
                "The tag cost_centre is missing, on vm for one",
            ),
            ([LARGE, bucket(tags=UNKNOWN), made("aws:sqs/queue:Queue", "jobs", {"tags": {}})], "on jobs for one"),
            (gke_pool(most=100, resourceLabels={**LABELS, "owner": ""}), "The tag owner is missing, on training for"),
        ],
    ),
    Cases(
        ownership.budget_alarm,
        passing=[
            [LARGE, budget()],
            [LARGE, budget(notifications=OF_TOPIC)],
            [gke_pool(most=100), GCP_BUDGET],
            [
                gke_pool(most=100),
                made(ownership.GCP_BUDGET, "month", {**GCP_BUDGET.properties, "allUpdatesRule": MAIL}),
            ],
            # Large without GPUs, or GPUs that cost little.
            node_group(["m5.8xlarge"], most=100, pool="system", capacity="ON_DEMAND"),
            node_group(most=2),
            [],
        ],
        failing=[
            (LARGE, "The stack may run up $13,912.05 a month on up to 32 GPUs, and no budget tells anybody."),
            ([LARGE, budget(notifications=[])], "no budget tells anybody."),
            (
                [LARGE, budget(notifications=[{"threshold": 80, "subscriberEmailAddresses": []}])],
                "no budget tells anybody.",
            ),
            (gke_pool(most=100), "on up to 100 GPUs"),
            ([gke_pool(most=100), made(ownership.GCP_BUDGET, "month", {})], "no budget tells anybody."),
            (
                [
                    gke_pool(most=100),
                    made(ownership.GCP_BUDGET, "month", {**GCP_BUDGET.properties, "allUpdatesRule": NOBODY}),
                ],
                "no budget tells anybody.",
            ),
        ],
    ),
    Cases(
        ownership.budget_fits,
        passing=[
            budget(),
            [LARGE, budget()],
            budget("25000.00"),
            budget(budgetType="USAGE", limitAmount="100000", limitUnit="GB"),
            budget(timeUnit="ANNUALLY", limitAmount="100000"),
            budget(limitAmount=None),
            gcp_budget(),
            [gke_pool(), gcp_budget("25000")],
            gcp_budget("100000", budgetFilter={"calendarPeriod": "YEAR"}),
            gcp_budget(amount={"lastPeriodAmount": True}),
            gcp_budget(amount={"specifiedAmount": {"currencyCode": "EUR", "units": "100000"}}),
        ],
        failing=[
            (budget("25000.01"), "It allows $25,000.01 a month, $0.01 above the limit of $25,000.00."),
            ([LARGE, budget("800")], "It is $800.00 a month, and the stack is expected to cost $822.45."),
            (gcp_budget("30000"), "It allows $30,000.00 a month, $5,000.00 above the limit of $25,000.00."),
            ([gke_pool(least=1), gcp_budget("300")], "It is $300.00 a month, and the stack is expected to cost $"),
        ],
    ),
)

"""The budget: what counts, when somebody is told, and who."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.gcp.budget import Budget, BudgetArguments
from infra.gcp.labels import labelled, labels_of
from infra.gcp.settings import BudgetSettings
from policies.cost import ownership
from tests.infra.gcp.answers import NUMBER, PROJECT
from tests.infra.gcp.parts import NAMES, Made, made, objections

BUDGET, CHANNEL = "gcp:billing/budget:Budget", "gcp:monitoring/notificationChannel:NotificationChannel"
ACCOUNT = "012345-6789AB-CDEF01"
LABELS = labels_of({"project": "trainyard", "stack": "Gcp.Dev", "owner": "ada@example.com", "cost_centre": "research"})


def budget(**settings: Any) -> Made:
    chosen = {"monthly_usd": 500, "alert_emails": ["ada@example.com"], "billing_account": ACCOUNT, **settings}
    arguments = BudgetArguments(names=NAMES, settings=BudgetSettings.model_validate(chosen), labels=LABELS)
    return made(lambda opts: Budget("budget", arguments, opts))


def test_it_counts_what_has_the_stack_s_label_in_its_project() -> None:
    filter_ = budget().resources.one(BUDGET).inputs["budgetFilter"]
    assert filter_["projects"] == [f"projects/{NUMBER}"]
    # The label as resources have it, in which not every character of a stack's name is valid.
    assert filter_["labels"] == {"stack": "gcp-dev"}
    assert filter_["calendarPeriod"] == "MONTH"


def test_it_counts_discounts_and_no_credit_that_ends() -> None:
    filter_ = budget().resources.one(BUDGET).inputs["budgetFilter"]
    assert filter_["creditTypesTreatment"] == "INCLUDE_SPECIFIED_CREDITS"
    assert not {"PROMOTION", "FREE_TIER"} & {*filter_["creditTypes"]}
    assert "COMMITTED_USAGE_DISCOUNT" in filter_["creditTypes"]


@pytest.mark.parametrize(
    ("usd", "units", "nanos"), [(1, "1", 0), (500, "500", 0), (19.99, "19", 990_000_000), (1234.001, "1234", 0)]
)
def test_the_amount_is_in_dollars_and_cents(usd: float, units: str, nanos: int) -> None:
    amount = budget(monthly_usd=usd).resources.one(BUDGET).inputs["amount"]["specifiedAmount"]
    assert amount == {"currencyCode": "USD", "units": units, "nanos": nanos}


def test_somebody_is_told_at_each_part_and_of_what_is_forecast() -> None:
    rules = budget().resources.one(BUDGET).inputs["thresholdRules"]
    assert [(rule["spendBasis"], rule["thresholdPercent"]) for rule in rules] == [
        ("CURRENT_SPEND", 0.5),
        ("CURRENT_SPEND", 0.8),
        ("CURRENT_SPEND", 1.0),
        ("FORECASTED_SPEND", 1.0),
    ]


def test_those_of_the_settings_are_told_and_nobody_else() -> None:
    addresses = ["ada@example.com", "finance@example.com"]
    resources = budget(alert_emails=addresses).resources
    channels = resources.all(CHANNEL)
    assert [each.inputs["labels"] for each in channels] == [{"email_address": address} for address in addresses]
    assert {each.inputs["type"] for each in channels} == {"email"}
    told = resources.one(BUDGET).inputs["allUpdatesRule"]
    assert len(told["monitoringNotificationChannels"]) == 2
    assert all(each.startswith(f"projects/{PROJECT}/") for each in told["monitoringNotificationChannels"])
    assert told["disableDefaultIamRecipients"] is True


def test_the_stack_s_labels_do_not_change_where_a_channel_leads() -> None:
    arguments = BudgetArguments(
        names=NAMES,
        settings=BudgetSettings(monthly_usd=5, alert_emails=("ada@example.com",), billing_account=ACCOUNT),
        labels=LABELS,
    )
    channel = made(lambda _: Budget("budget", arguments, labelled(LABELS))).resources.one(CHANNEL).inputs
    assert channel["labels"] == {"email_address": "ada@example.com"}
    assert channel["userLabels"] == LABELS


def test_it_belongs_to_the_account_that_pays() -> None:
    inputs = budget().resources.one(BUDGET).inputs
    assert inputs["billingAccount"] == ACCOUNT
    assert inputs["displayName"] == "trainyard-gcp-dev"


def test_more_than_google_tells_are_refused() -> None:
    six = [f"{number}@example.com" for number in range(6)]
    with pytest.raises(ValidationError, match="five addresses at most"):
        budget(alert_emails=six)
    assert len(budget(alert_emails=six[:5]).resources.all(CHANNEL)) == 5


def test_the_policy_pack_lets_it_pass() -> None:
    assert objections(ownership.RULES, budget()) == []

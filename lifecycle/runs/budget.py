"""What a run may cost at worst, and whether that is within what was allowed: by option, and by the stack's budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lifecycle.runs.errors import RunError, RunRefused

if TYPE_CHECKING:
    from planning.prices.book import PriceBook

BUDGET_TYPE = "aws:budgets/budget:Budget"
GOOGLE_BUDGET_TYPE = "gcp:billing/budget:Budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """The most that a run costs, in US dollars before tax: every node that may run does, all the time."""

    usd_per_hour: float
    on_demand_usd_per_hour: float
    """The same without spot capacity."""
    hours: float
    complete: bool = True
    """Whether everything has a price; what has none comes on top."""

    @property
    def usd(self) -> float:
        """For the whole run."""
        return self.usd_per_hour * self.hours


@dataclass(frozen=True, slots=True)
class MonthlyBudget:
    """A stack's budget at its cloud."""

    account_id: str
    """The account; empty on Google Cloud, where a budget belongs to a billing account."""
    name: str
    usd: float
    """For a calendar month."""
    cloud: Literal["aws", "gcp"] = "aws"


def worst_case(document: Mapping[str, Any], book: "PriceBook", hours: float) -> WorstCase:
    """The worst case of a run of `hours` hours, by the document of its preview. Pure. Raises PlanningError."""
    from lifecycle.runs.on_demand import on_demand_plan
    from planning.cost.estimate import price_plan
    from planning.cost.plan import read_plan

    plan = read_plan(document)
    cost, on_demand = price_plan(plan, book), price_plan(on_demand_plan(plan), book)
    return WorstCase(
        usd_per_hour=cost.full_usd_per_hour,
        on_demand_usd_per_hour=on_demand.full_usd_per_hour,
        hours=hours,
        complete=cost.complete and on_demand.complete,
    )


def check_cost(worst: WorstCase, max_cost_usd: float | None, *, asks: bool) -> float:
    """The most that the run may cost, in US dollars: `max_cost_usd`, or the worst case where a person is asked.

    Raises RunRefused where the worst case is more, or nobody has said how much it may be.

    :param asks: Whether somebody confirms the run, having seen the worst case.
    """
    price = f"{worst.usd_per_hour:.4f} USD an hour at full size for {worst.hours:g} hours"
    if max_cost_usd is None:
        if worst.usd > 0 and not asks:
            raise RunRefused(
                f"--max-cost is not set, and nobody is asked: must be at least {_up(worst.usd)}, which is {price}"
            )
        return worst.usd
    if worst.usd > max_cost_usd:
        most = max_cost_usd / worst.usd_per_hour
        raise RunRefused(
            f"--max-cost is {max_cost_usd:.2f}, and the run may cost {worst.usd:.2f} USD, which is {price}: must be "
            f"at least {_up(worst.usd)}, or --max-hours at most {int(most * 100) / 100:g}"
        )
    return max_cost_usd


def budget_of(document: Mapping[str, Any]) -> MonthlyBudget | None:
    """The stack's budget, as its preview has it; None where it has none. Pure."""
    for step in document.get("steps", []):
        state = step.get("newState") or {}
        inputs = state.get("inputs") or {}
        if state.get("type") == BUDGET_TYPE:
            return MonthlyBudget(str(inputs["accountId"]), str(inputs["name"]), float(inputs["limitAmount"]))
        if state.get("type") == GOOGLE_BUDGET_TYPE:
            amount = inputs["amount"]["specifiedAmount"]
            usd = float(amount.get("units") or 0) + float(amount.get("nanos") or 0) / 1e9
            return MonthlyBudget("", str(inputs["displayName"]), usd, "gcp")
    return None


def month_spend_usd(budget: MonthlyBudget) -> float | None:
    """What the budget has counted this month, in US dollars; 0 where it is not there yet, as before a first run.

    None on Google Cloud, whose budgets tell what they have counted by notifications only.

    Sources: AWS Budgets API, DescribeBudget, CalculatedSpend.ActualSpend; Google, Cloud Billing Budget API, Budget.
    Raises RunError where nobody answers.
    """
    if budget.cloud == "gcp":
        return None
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        # The one region that answers for all: https://docs.aws.amazon.com/general/latest/gr/billing.html
        client = boto3.client("budgets", region_name="us-east-1")
        found = client.describe_budget(AccountId=budget.account_id, BudgetName=budget.name)["Budget"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            return 0.0
        raise RunError(f"budget {budget.name} cannot be read: {error}") from None
    except BotoCoreError as error:
        raise RunError(f"budget {budget.name} cannot be read: {error}") from None
    return float(found.get("CalculatedSpend", {}).get("ActualSpend", {}).get("Amount", 0))


def check_budget(budget: MonthlyBudget, spent_usd: float | None, worst: WorstCase) -> None:
    """Raises RunRefused where the month's budget could be exceeded by the run. Pure.

    :param spent_usd: None: nobody tells, and the run is held to the whole month's budget.
    """
    left = budget.usd - (spent_usd or 0.0)
    if worst.usd > left:
        hours = max(0.0, left / worst.usd_per_hour)
        spent = "" if spent_usd is None else f"of which {spent_usd:.2f} USD are spent this month, "
        raise RunRefused(
            f"budget.monthly_usd is {budget.usd:g}, {spent}and the run may cost {worst.usd:.2f} USD: --max-hours must "
            f"be at most {int(hours * 100) / 100:g}, or the budget higher"
        )


def spending_unknown(budget: MonthlyBudget) -> str:
    """What to tell where nobody says what the month has cost so far. Pure."""
    return (
        f"what is spent of the {budget.usd:g} USD of this month's budget is not known: Google Cloud tells by e-mail "
        "only; the run alone is within it"
    )


def _up(usd: float) -> str:
    """An amount as an option takes it, in cents, never less than it is."""
    cents = int(usd * 100)
    return f"{(cents + (cents / 100 < usd)) / 100:.2f}"

"""The monthly budget of a stack: who is told, and when, before the bill is a surprise.

It counts what carries the stack's tag. AWS does so once the tag `stack` is activated as a cost allocation tag in the
account that pays, which takes a day and is not done here: it is a setting of the whole organisation.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.cloud_settings import BudgetSettings

PERCENTAGES = (50, 80, 100)
"""Parts of the budget at which somebody is told, in percent."""


@dataclass(frozen=True, kw_only=True)
class BudgetArguments:
    """What the budget is made from."""

    names: Names
    settings: BudgetSettings


class Budget(pulumi.ComponentResource):
    """A budget in US dollars a month, with alerts by e-mail."""

    def __init__(self, name: str, args: BudgetArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Budget", name, None, opts)
        alerts = [("ACTUAL", percentage) for percentage in PERCENTAGES] + [("FORECASTED", 100)]
        aws.budgets.Budget(
            name,
            name=args.names.prefix,
            account_id=args.names.account_id,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{args.settings.monthly_usd:.2f}",
            limit_unit="USD",
            cost_filters=[
                # The form of the API: the tag's kind, its name and its value in one.
                aws.budgets.BudgetCostFilterArgs(name="TagKeyValue", values=[f"user:stack${args.names.stack}"])
            ],
            notifications=[
                aws.budgets.BudgetNotificationArgs(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percentage,
                    threshold_type="PERCENTAGE",
                    subscriber_email_addresses=list(args.settings.alert_emails),
                )
                for kind, percentage in alerts
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

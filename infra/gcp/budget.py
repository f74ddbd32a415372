"""The monthly budget of a stack: who is told, and when, before the bill is a surprise.

It counts what carries the stack's label, in the one project. What has no labels is left out: traffic, addresses, NAT
and log entries (Cloud Billing, "Create, edit, or delete budgets and budget alerts", scope). Discounts for long or
promised use make things cheaper and are counted so; credits that end (a free trial, a promotion) are not, so that what
a stack costs without them is seen in time.

The billing account has to be kept in US dollars, and whoever deploys has to be allowed to make budgets of it (Billing
Account Costs Manager). A person who deploys with credentials of their own sets `gcp:userProjectOverride` and
`gcp:billingProject`, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.settings import BudgetSettings

PERCENTAGES = (50, 80, 100)
"""Parts of the budget at which somebody is told, in percent."""
DISCOUNTS = (
    "COMMITTED_USAGE_DISCOUNT",
    "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE",
    "DISCOUNT",
    "SUSTAINED_USAGE_DISCOUNT",
)
"""Credits that make things cheaper for good. Source: Cloud Billing budget API, Filter, creditTypes."""


@dataclass(frozen=True, kw_only=True)
class BudgetArguments:
    """What the budget is made from."""

    names: Names
    settings: BudgetSettings
    labels: Mapping[str, str]
    """The stack's labels, of which it is told by `stack`."""


class Budget(pulumi.ComponentResource):
    """A budget in US dollars a month, with alerts by e-mail."""

    def __init__(self, name: str, args: BudgetArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Budget", name, None, opts)
        names, settings = args.names, args.settings
        child = pulumi.ResourceOptions(parent=self)
        channels = [
            gcp.monitoring.NotificationChannel(
                f"{name}-{address}",
                project=names.project_id,
                type="email",
                display_name=f"{names.prefix}: {address}",
                labels={"email_address": address},
                opts=child,
            )
            for address in settings.alert_emails
        ]
        whole, cents = divmod(round(settings.monthly_usd * 100), 100)
        alerts = [("CURRENT_SPEND", percentage) for percentage in PERCENTAGES] + [("FORECASTED_SPEND", 100)]
        gcp.billing.Budget(
            name,
            billing_account=settings.billing_account,
            display_name=names.prefix,
            amount=gcp.billing.BudgetAmountArgs(
                specified_amount=gcp.billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code="USD", units=str(whole), nanos=cents * 10_000_000
                )
            ),
            budget_filter=gcp.billing.BudgetBudgetFilterArgs(
                projects=[f"projects/{names.project_number}"],
                labels={"stack": args.labels["stack"]},
                calendar_period="MONTH",
                credit_types_treatment="INCLUDE_SPECIFIED_CREDITS",
                credit_types=list(DISCOUNTS),
            ),
            threshold_rules=[
                gcp.billing.BudgetThresholdRuleArgs(threshold_percent=percentage / 100, spend_basis=basis)
                for basis, percentage in alerts
            ],
            all_updates_rule=gcp.billing.BudgetAllUpdatesRuleArgs(
                monitoring_notification_channels=[channel.id for channel in channels],
                # Those of the settings, and not everybody who pays or administers.
                disable_default_iam_recipients=True,
            ),
            opts=child,
        )
        self.register_outputs({})

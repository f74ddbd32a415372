"""A budget that no bill will reach.

Caught by: cost-budget-fits
"""

import pulumi_aws as aws

aws.budgets.Budget(
    "training",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="1000000",
    limit_unit="USD",
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": "FORECASTED",
            "threshold": 100,
            "threshold_type": "PERCENTAGE",
            "subscriber_email_addresses": ["ml-platform@example.com"],
        }
    ],
)

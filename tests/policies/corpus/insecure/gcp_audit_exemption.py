"""An audit log that leaves the deployer out.

Caught by: gcp-audit-complete
"""

import pulumi_gcp as gcp

gcp.projects.IAMAuditConfig(
    "all",
    project="example-training",
    service="allServices",
    audit_log_configs=[
        {"log_type": "ADMIN_READ"},
        {
            "log_type": "DATA_READ",
            "exempted_members": ["serviceAccount:deployer@example-training.iam.gserviceaccount.com"],
        },
        {"log_type": "DATA_WRITE"},
    ],
)

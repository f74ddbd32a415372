"""A custom role whose holder can make itself owner of the project.

Caught by: gcp-custom-role-no-escalation
"""

import pulumi_gcp as gcp

gcp.projects.IAMCustomRole(
    "deployer",
    role_id="deployer",
    title="Deploys workloads",
    permissions=[
        "container.deployments.update",
        "resourcemanager.projects.getIamPolicy",
        "resourcemanager.projects.setIamPolicy",
    ],
)

"""A new project, which Google Cloud gives an open default network.

Caught by: gcp-network-not-default
"""

import pulumi_gcp as gcp

gcp.organizations.Project("training", project_id="example-training", org_id="123456789", deletion_policy="PREVENT")

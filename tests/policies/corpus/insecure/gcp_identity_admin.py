"""Somebody who administers the whole project, by the newer name of a basic role.

Caught by: gcp-no-basic-roles
"""

import pulumi_gcp as gcp

gcp.projects.IAMMember("ada", project="example-training", role="roles/admin", member="user:ada@example.com")

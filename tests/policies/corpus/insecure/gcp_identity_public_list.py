"""An access list that opens every new object to everybody.

Caught by: gcp-no-public-members
"""

import pulumi_gcp as gcp

gcp.storage.DefaultObjectACL(
    "models", bucket="example-models", role_entities=["OWNER:project-owners-123", "READER:allUsers"]
)

"""A queue under a key that nobody but Google can withdraw.

Caught by: gcp-topic-customer-managed-key
"""

import pulumi_gcp as gcp

gcp.pubsub.Topic("jobs", message_retention_duration="86400s")

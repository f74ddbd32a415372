"""A topic to which anyone with a Google account can publish.

Caught by: gcp-no-public-members
"""

import json

import pulumi_gcp as gcp

gcp.pubsub.TopicIAMPolicy(
    "jobs",
    topic="jobs",
    policy_data=json.dumps(
        {
            "bindings": [
                {
                    "role": "roles/pubsub.publisher",
                    "members": ["group:team@example.org", "allAuthenticatedUsers"],
                }
            ]
        }
    ),
)

"""A pool that lets the main branch of every repository on GitHub in.

Caught by: gcp-federation-narrow
"""

import pulumi_gcp as gcp

pool = gcp.iam.WorkloadIdentityPool("ci", workload_identity_pool_id="ci")
gcp.iam.WorkloadIdentityPoolProvider(
    "github",
    workload_identity_pool_id=pool.workload_identity_pool_id,
    workload_identity_pool_provider_id="github",
    attribute_mapping={"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
    attribute_condition="assertion.ref == 'refs/heads/main'",
    oidc={"issuer_uri": "https://token.actions.githubusercontent.com"},
)

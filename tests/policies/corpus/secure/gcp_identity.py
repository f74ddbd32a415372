"""A repository's workflow that deploys without a key, and grants that are as narrow as they can be."""

import pulumi
import pulumi_gcp as gcp

PROJECT = "example-training"

pool = gcp.iam.WorkloadIdentityPool("ci", workload_identity_pool_id="ci")
gcp.iam.WorkloadIdentityPoolProvider(
    "github",
    workload_identity_pool_id=pool.workload_identity_pool_id,
    workload_identity_pool_provider_id="github",
    attribute_mapping={"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
    attribute_condition="attribute.repository == 'example/training' && assertion.ref == 'refs/heads/main'",
    oidc=gcp.iam.WorkloadIdentityPoolProviderOidcArgs(issuer_uri="https://token.actions.githubusercontent.com"),
)
deployer = gcp.serviceaccount.Account("deployer", account_id="deployer")
gcp.serviceaccount.IAMMember(
    "deployer",
    service_account_id=deployer.name,
    role="roles/iam.workloadIdentityUser",
    member=pulumi.Output.concat(
        "principalSet://iam.googleapis.com/", pool.name, "/attribute.repository/example/training"
    ),
)
role = gcp.projects.IAMCustomRole(
    "deployer",
    role_id="deployer",
    title="Deploys workloads",
    permissions=["container.clusters.get", "container.deployments.update", "iam.serviceAccounts.actAs"],
)
gcp.projects.IAMMember(
    "deployer",
    project=PROJECT,
    role=role.name,
    member=f"serviceAccount:deployer@{PROJECT}.iam.gserviceaccount.com",
)
gcp.projects.IAMBinding("auditors", project=PROJECT, role="roles/viewer", members=["group:auditors@example.org"])
# Pub/Sub's own agent signs the tokens of messages that it pushes.
gcp.projects.IAMMember(
    "pubsub",
    project=PROJECT,
    role="roles/iam.serviceAccountTokenCreator",
    member="serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com",
)

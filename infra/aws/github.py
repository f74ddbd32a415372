"""Roles for GitHub Actions: one that previews, one that deploys, taken by a workflow's own token.

No key is stored on GitHub. A pull request of the repository may preview (one from a fork gets no token from GitHub at
all), and so may the default branch; only jobs of one protected environment may deploy.

Tokens name a repository by its owner's name and its own. Those of newer repositories have GitHub's numbers of both
beside them, which are given to nobody else (`immutable_ids`). Without them, whoever gives up the name on GitHub gives
up the trust in it: then destroy the stack's roles first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.github_deploy_policies import deploy_policies
from infra.aws.github_policies import DEPLOY, ISSUER, PREVIEW, preview_policies
from infra.aws.naming import Names
from infra.cloud_settings import GitHubSettings


@dataclass(frozen=True, kw_only=True)
class GitHubRolesArguments:
    """What the roles are made from."""

    names: Names
    settings: GitHubSettings
    permissions_boundary_arn: str = ""
    """Policy that neither role can exceed, nor a role that they make; empty: none."""
    pull_through: bool = False
    """Whether what is deployed pulls images of others through the account's registry."""


def github_trust(provider_arn: str, subjects: list[str]) -> dict[str, Any]:
    """Tokens that GitHub gave to certain jobs. Each subject is written out: a wildcard would let others in.

    Source: GitHub, "Configuring OpenID Connect in Amazon Web Services"; checkov CKV_AWS_358.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "GitHubActions",
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subjects}},
            }
        ],
    }


class GitHubRoles(pulumi.ComponentResource):
    """The identity provider for GitHub, and the two roles."""

    preview_role_arn: pulumi.Output[str]
    deploy_role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: GitHubRolesArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:GitHubRoles", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        names, settings = args.names, args.settings
        repository = settings.subject_prefix
        environment = settings.deploy_environment or names.stack
        first = self._make_provider()
        self.preview_role_arn = self._make_role(
            PREVIEW,
            "Previews the stack; reads configuration, no data",
            [f"{repository}:pull_request", f"{repository}:ref:refs/heads/{settings.default_branch}"],
            preview_policies(names, settings.state_bucket),
            first,
        )
        self.deploy_role_arn = self._make_role(
            DEPLOY,
            "Deploys the stack",
            [f"{repository}:environment:{environment}"],
            deploy_policies(
                names, args.permissions_boundary_arn, settings.state_bucket, pull_through=args.pull_through
            ),
            first,
        )
        self.register_outputs({})

    def _make_provider(self) -> list[pulumi.Resource]:
        if not self._args.settings.create_provider:
            return []
        provider = aws.iam.OpenIdConnectProvider(
            self._name, url=f"https://{ISSUER}", client_id_lists=["sts.amazonaws.com"], opts=self._child
        )
        return [provider]

    def _make_role(
        self,
        purpose: str,
        description: str,
        subjects: list[str],
        policies: Mapping[str, dict[str, Any]],
        first: list[pulumi.Resource],
    ) -> pulumi.Output[str]:
        names, name = self._args.names, f"{self._name}-{purpose.removeprefix('github-')}"
        provider_arn = names.iam_arn(f"oidc-provider/{ISSUER}")
        role = aws.iam.Role(
            name,
            name=names.role(purpose),
            description=description,
            assume_role_policy=json.dumps(github_trust(provider_arn, subjects)),
            permissions_boundary=self._args.permissions_boundary_arn or None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=first),
        )
        for part, document in policies.items():
            # Policies of their own: within a role they would share 10,240 characters.
            policy = aws.iam.Policy(
                f"{name}-{part}",
                name=names.role(f"{purpose}-{part}"),
                description=f"{description}: {part}",
                policy=json.dumps(document, separators=(",", ":")),
                opts=self._child,
            )
            aws.iam.RolePolicyAttachment(f"{name}-{part}", role=role.name, policy_arn=policy.arn, opts=self._child)
        return pulumi.Output.from_input(role.arn)

"""Identities for GitHub Actions: one that previews, one that deploys, taken by a workflow's own token.

No key is stored on GitHub. A pull request of the repository may preview (one from a fork gets no token from GitHub at
all), and so may the default branch; only jobs of one protected environment may deploy. The provider lets in these jobs'
tokens and no others, and each of the two service accounts is acted as by its jobs alone. What they may do is told in
`github_grants`.

The name of a deleted pool is taken for 30 days, and that of a deleted custom role for up to 37; to bring one back is
more than the provider does for pools, and it does it for roles for a week only. So both end with a digest of the number
that Google gave to the service account that previews, which is another one whenever the stack is made anew. Sources:
IAM, "Manage workload identity pools and providers" and "Create and manage custom roles".

Tokens name a repository by its owner's name and its own. Those of newer repositories have GitHub's numbers of both
beside them, which are given to nobody else (`immutable_ids`). Without them, whoever gives up the name on GitHub gives
up the trust in it: then destroy the stack's identities first.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.cloud_settings import GitHubSettings
from infra.gcp.github_grants import (
    ACCOUNTS,
    BUCKETS,
    DEPLOY,
    EMPTY_BUCKETS,
    PREVIEW,
    configuration,
    own_buckets,
    project_roles,
)
from infra.gcp.naming import Names
from infra.gcp.workload_roles import USER, VIEWER

ISSUER = "https://token.actions.githubusercontent.com"
"""Who signs the tokens of GitHub's workflows."""
PROVIDER = "github"
"""The provider within its pool."""
_LONGEST_SUBJECT = 127
"""Characters of a subject that Google takes. Source: IAM, REST resource workloadIdentityPools.providers,
attributeMapping."""


@dataclass(frozen=True, kw_only=True)
class GitHubIdentitiesArguments:
    """What the identities are made from."""

    names: Names
    settings: GitHubSettings
    apis: Sequence[str]
    """The APIs that the stack uses."""
    empties_buckets: bool = False
    """Whether buckets that still hold objects are deleted with the stack."""


@dataclass(frozen=True)
class Subjects:
    """Whose tokens are let in, as GitHub names the jobs. Each is written out: a wildcard would let others in.

    Source: GitHub, "OpenID Connect reference", example subject claims.
    """

    preview: tuple[str, ...]
    deploy: tuple[str, ...]


def subjects(settings: GitHubSettings, stack: str) -> Subjects:
    """The jobs that may preview and that may deploy.

    Raises pulumi.RunError for a job whose name is longer than Google takes.
    """
    repository = settings.subject_prefix
    found = Subjects(
        preview=(f"{repository}:pull_request", f"{repository}:ref:refs/heads/{settings.default_branch}"),
        deploy=(f"{repository}:environment:{settings.deploy_environment or stack}",),
    )
    if long := [each for each in (*found.preview, *found.deploy) if len(each) > _LONGEST_SUBJECT]:
        raise pulumi.RunError(
            f"trainyard:gcp.identity.github: must have shorter names: Google takes {_LONGEST_SUBJECT} characters, and "
            f"{long[0]} has {len(long[0])}"
        )
    return found


def attribute_condition(settings: GitHubSettings, who: Subjects) -> str:
    """Which tokens the provider lets in. Source: IAM, "Configure Workload Identity Federation with deployment
    pipelines"."""
    listed = ", ".join(f'"{subject}"' for subject in (*who.preview, *who.deploy))
    return f'assertion.repository == "{settings.repository}" && assertion.sub in [{listed}]'


class GitHubIdentities(pulumi.ComponentResource):
    """The pool that GitHub's workflows come from, and the two service accounts."""

    provider_name: pulumi.Output[str]
    """Resource name of the provider, which a workflow asks for its token with."""
    preview_email: pulumi.Output[str]
    """E-mail address of who previews, known when it may."""
    deploy_email: pulumi.Output[str]
    """E-mail address of who deploys, known when it may."""

    def __init__(self, name: str, args: GitHubIdentitiesArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:GitHubIdentities", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        who = subjects(args.settings, args.names.stack)
        preview = self._make_account("preview", PREVIEW, "Previews the stack; reads configuration, no data")
        deploy = self._make_account("deploy", DEPLOY, "Deploys the stack")
        self._end = preview.unique_id.apply(lambda number: hashlib.sha256(number.encode()).hexdigest()[:8])
        pool = self._make_pool()
        self.provider_name = self._make_provider(pool, who).name
        reads = self._make_role("preview", PREVIEW, "reads configuration", configuration(args.apis))
        previews = [
            self._grant("preview", reads.name, preview),
            *self._let_act("preview", preview, pool, who.preview),
            *self._open_state("preview", preview, VIEWER),
        ]
        deploys = [
            self._grant("deploy", reads.name, deploy),
            *self._grant_deploying(deploy),
            *self._let_act("deploy", deploy, pool, who.deploy),
            *self._open_state("deploy", deploy, USER),
        ]
        # Whoever is given the account waits for what it may do.
        self.preview_email = _after(preview.email, previews)
        self.deploy_email = _after(deploy.email, deploys)
        self.register_outputs({})

    def let_deploy_act_as(self, purpose: str, email: pulumi.Input[str]) -> gcp.serviceaccount.IAMMember:
        """Lets who deploys start something that acts as a service account of the stack: nodes, a machine, a schedule.

        :param purpose: What the account is for.
        :param email: Its address.
        """
        account = pulumi.Output.concat("projects/", self._args.names.project_id, "/serviceAccounts/", email)
        return gcp.serviceaccount.IAMMember(
            f"{self._name}-deploy-as-{purpose}",
            service_account_id=account,
            role="roles/iam.serviceAccountUser",
            member=pulumi.Output.concat("serviceAccount:", self.deploy_email),
            opts=self._child,
        )

    def _make_account(self, part: str, purpose: str, description: str) -> gcp.serviceaccount.Account:
        names = self._args.names
        return gcp.serviceaccount.Account(
            f"{self._name}-{part}",
            account_id=names.service_account_id(purpose),
            project=names.project_id,
            display_name=f"{names.prefix}: {purpose}",
            description=description,
            opts=self._child,
        )

    def _make_pool(self) -> gcp.iam.WorkloadIdentityPool:
        names = self._args.names
        return gcp.iam.WorkloadIdentityPool(
            self._name,
            workload_identity_pool_id=self._end.apply(lambda end: pool_id(names, end)),
            project=names.project_id,
            # Tells whose it is, where the identifier has less of the stack's name.
            display_name=names.prefix,
            description=f"GitHub's workflows that preview and deploy {names.prefix}",
            opts=self._child,
        )

    def _make_provider(self, pool: gcp.iam.WorkloadIdentityPool, who: Subjects) -> gcp.iam.WorkloadIdentityPoolProvider:
        return gcp.iam.WorkloadIdentityPoolProvider(
            self._name,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id=PROVIDER,
            project=self._args.names.project_id,
            display_name="GitHub Actions",
            description=f"Workflows of {self._args.settings.repository}",
            attribute_mapping={"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
            attribute_condition=attribute_condition(self._args.settings, who),
            # The audience is the provider's own name, where none is said.
            oidc=gcp.iam.WorkloadIdentityPoolProviderOidcArgs(issuer_uri=ISSUER),
            opts=self._child,
        )

    def _make_role(self, part: str, purpose: str, title: str, permissions: Sequence[str]) -> gcp.projects.IAMCustomRole:
        names = self._args.names
        return gcp.projects.IAMCustomRole(
            f"{self._name}-{part}",
            role_id=self._end.apply(lambda end: f"{names.custom_role_id(purpose)}_{end}"),
            project=names.project_id,
            title=f"{names.prefix}: {title}",
            description=f"Of GitHub's workflows of {names.prefix}",
            permissions=list(permissions),
            stage="GA",
            opts=self._child,
        )

    def _grant_deploying(self, deploy: gcp.serviceaccount.Account) -> list[pulumi.Output[str]]:
        args, names = self._args, self._args.names
        permissions = (*BUCKETS, *EMPTY_BUCKETS) if args.empties_buckets else BUCKETS
        buckets = self._make_role("buckets", "github-buckets", "looks after buckets", permissions)
        accounts = self._make_role("accounts", "github-accounts", "looks after service accounts", ACCOUNTS)
        return [
            self._grant(
                "deploy-buckets", buckets.name, deploy, "Own buckets, and roles of workloads", own_buckets(names)
            ),
            self._grant("deploy-accounts", accounts.name, deploy),
            *(
                self._grant(f"deploy-{each.name}", each.role, deploy, each.why, each.condition)
                for each in project_roles(names, args.apis)
            ),
        ]

    def _grant(
        self,
        part: str,
        role: pulumi.Input[str],
        account: gcp.serviceaccount.Account,
        title: str = "",
        condition: str = "",
    ) -> pulumi.Output[str]:
        member = gcp.projects.IAMMember(
            f"{self._name}-{part}",
            project=self._args.names.project_id,
            role=role,
            member=account.member,
            condition=gcp.projects.IAMMemberConditionArgs(title=title, expression=condition) if condition else None,
            opts=self._child,
        )
        return member.id

    def _let_act(
        self,
        part: str,
        account: gcp.serviceaccount.Account,
        pool: gcp.iam.WorkloadIdentityPool,
        jobs: Sequence[str],
    ) -> list[pulumi.Output[str]]:
        number = self._args.names.project_number
        pools = f"principal://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/"
        return [
            gcp.serviceaccount.IAMMember(
                f"{self._name}-{part}-{index}",
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=pulumi.Output.concat(pools, pool.workload_identity_pool_id, "/subject/", job),
                opts=self._child,
            ).id
            for index, job in enumerate(jobs)
        ]

    def _open_state(self, part: str, account: gcp.serviceaccount.Account, role: str) -> list[pulumi.Output[str]]:
        """Pulumi's state in a bucket; nothing where it is elsewhere."""
        bucket = self._args.settings.state_bucket
        if not bucket:
            return []
        member = gcp.storage.BucketIAMMember(
            f"{self._name}-{part}-state", bucket=bucket, role=role, member=account.member, opts=self._child
        )
        return [member.id]


def pool_id(names: Names, end: str) -> str:
    """The identifier of the pool: 4 to 32 of a-z, 0-9 and -, and not gcp- at its beginning.

    :param end: Eight characters that are others whenever the stack is made anew.
    """
    return f"github-{names.prefix[:16].strip('-')}-{end}"


def _after(email: pulumi.Output[str], granted: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
    return pulumi.Output.all(email, *granted).apply(lambda known: str(known[0]))

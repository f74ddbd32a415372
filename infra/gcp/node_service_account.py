"""The service account of nodes: to say how they are, and to pull the stack's own images.

Not what a workload does: pods have identities of their own. GKE's role for nodes writes logs and metrics; it cannot be
confined to less than the project. Nodes that stream images use the project's quota for it, too. Sources: GKE, "Harden
your cluster's security" (service accounts of least privilege), "Use Image streaming to pull container images".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names

NODE_ROLE = "roles/container.defaultNodeServiceAccount"
STREAM_ROLE = "roles/serviceusage.serviceUsageConsumer"
PULL_ROLE = "roles/artifactregistry.reader"
PURPOSE = "node"


@dataclass(frozen=True, kw_only=True)
class NodeServiceAccountArguments:
    """What the nodes' service account is made from."""

    names: Names
    repositories: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """The repositories of Artifact Registry that nodes pull from, by a name for each: their own names, in the stack's
    project and region."""
    image_streaming: bool = False
    """Whether any pool streams images."""


class NodeServiceAccount(pulumi.ComponentResource):
    """The service account that nodes share."""

    email: pulumi.Output[str]
    """Its address, known when it has its grants."""

    def __init__(
        self, name: str, args: NodeServiceAccountArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trainyard:gcp:NodeServiceAccount", name, None, opts)
        names, child = args.names, pulumi.ResourceOptions(parent=self)
        account = gcp.serviceaccount.Account(
            name,
            project=names.project_id,
            account_id=names.service_account_id(PURPOSE),
            display_name=f"{names.prefix}: nodes",
            description=f"Nodes of {names.cluster}",
            opts=child,
        )
        on_project = {name: NODE_ROLE} | ({f"{name}-streaming": STREAM_ROLE} if args.image_streaming else {})
        grants = [
            gcp.projects.IAMMember(each, project=names.project_id, role=role, member=account.member, opts=child)
            for each, role in on_project.items()
        ]
        pulls = [
            gcp.artifactregistry.RepositoryIamMember(
                f"{name}-{image}",
                project=names.project_id,
                location=names.region,
                repository=repository,
                role=PULL_ROLE,
                member=account.member,
                opts=child,
            )
            for image, repository in args.repositories.items()
        ]
        granted = [each.id for each in (*grants, *pulls)]
        self.email = pulumi.Output.all(account.email, *granted).apply(lambda known: str(known[0]))
        self.register_outputs({"email": self.email})

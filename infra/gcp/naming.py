"""What the resources of a stack are called on Google Cloud: pure, so that grants can name what is not made yet.

Names are known before anything exists, but for those that are taken when their bearer is gone: a destroyed stack leaves
its key ring and keys behind, and an identity pool's name is taken for 30 days after it was deleted, so a stack that is
made anew needs others. Those get an end that is new each time, and are told by outputs.
"""

from dataclasses import dataclass

from infra.names import fit, prefix_of


@dataclass(frozen=True)
class Names:
    """The names of one stack in one project of Google Cloud and one region."""

    project: str
    """Pulumi's project."""
    stack: str
    project_id: str
    """Google Cloud's project."""
    project_number: str
    """The same project, as service agents and identity pools are named by it: digits."""
    region: str

    @property
    def prefix(self) -> str:
        """What every name begins with: at most 30 of a-z, 0-9 and -; another one for each project and stack.

        The same as on AWS, for the same project and stack.
        """
        return prefix_of(self.project, self.stack)

    @property
    def cluster(self) -> str:
        """The GKE cluster: at most 40 characters."""
        return self.prefix

    def cluster_id(self, location: str) -> str:
        """The GKE cluster's resource name.

        :param location: The region of a regional cluster, the zone of a zonal one.
        """
        return f"projects/{self.project_id}/locations/{location}/clusters/{self.cluster}"

    def bucket(self, purpose: str) -> str:
        """A bucket, named for all of Google Cloud: at most 63 characters."""
        return fit(f"{self.prefix}-{purpose}-{self.project_id}", 63)

    def bucket_id(self, purpose: str) -> str:
        """A bucket's resource name, as IAM's conditions have it. Source: IAM, "Resource names for conditions"."""
        return f"projects/_/buckets/{self.bucket(purpose)}"

    def service_account_id(self, purpose: str) -> str:
        """The identifier of a service account, unique within the project: 6 to 30 of a-z, 0-9 and -."""
        return fit(f"{self.prefix}-{purpose}", 30)

    def service_account(self, purpose: str) -> str:
        """The e-mail address of a service account."""
        return f"{self.service_account_id(purpose)}@{self.project_id}.iam.gserviceaccount.com"

    def service_account_member(self, purpose: str) -> str:
        """A service account, as bindings name it."""
        return f"serviceAccount:{self.service_account(purpose)}"

    @staticmethod
    def team_purpose(team: str, identity: str) -> str:
        """The purpose of the service account of a team's identity.

        What no identifier has in it makes a digest part of the name: with hyphens alone that of the team a in the stack
        dev would be that of the stack dev-team-a.
        """
        return f"team/{team}/{identity}"

    def custom_role_id(self, purpose: str) -> str:
        """The identifier of a custom role: letters, digits and _."""
        return f"{self.prefix}-{purpose}".replace("-", "_")

    def repository(self, image: str) -> str:
        """The repository of an image in Artifact Registry: at most 63 characters."""
        return fit(f"{self.prefix}-{image}", 63)

    def cached_repository(self, upstream: str) -> str:
        """The repository in Artifact Registry of images that are pulled through it: at most 63 characters."""
        return self.repository(f"cached-{upstream}")

    @property
    def registry(self) -> str:
        """The host name of the region's image registry."""
        return f"{self.region}-docker.pkg.dev"

    def resource(self, part: str) -> str:
        """Anything else that has a name of its own (networks, pools, jobs, schedules): at most 63 characters."""
        return fit(f"{self.prefix}-{part}", 63)

    @property
    def workload_pool(self) -> str:
        """The identity pool of the project's GKE clusters. Source: GKE, "Workload Identity Federation for GKE"."""
        return f"{self.project_id}.svc.id.goog"

    def workload_member(self, namespace: str, service_account: str) -> str:
        """A Kubernetes service account, as bindings that let it act as a service account of Google's name it."""
        return f"serviceAccount:{self.workload_pool}[{namespace}/{service_account}]"

    def service_agent(self, service: str) -> str:
        """The member by which Google's own service acts in this project. Raises KeyError for one that is not known.

        Source: IAM, "Service agents".
        """
        return f"serviceAccount:{_SERVICE_AGENTS[service].format(self.project_number)}"


_SERVICE_AGENTS = {
    "artifactregistry": "service-{}@gcp-sa-artifactregistry.iam.gserviceaccount.com",
    "cloudscheduler": "service-{}@gcp-sa-cloudscheduler.iam.gserviceaccount.com",
    "compute": "service-{}@compute-system.iam.gserviceaccount.com",
    "container": "service-{}@container-engine-robot.iam.gserviceaccount.com",
    "logging": "service-{}@gcp-sa-logging.iam.gserviceaccount.com",
    "pubsub": "service-{}@gcp-sa-pubsub.iam.gserviceaccount.com",
    "storage": "service-{}@gs-project-accounts.iam.gserviceaccount.com",
}

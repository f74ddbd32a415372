"""What the resources of a stack are called on AWS, and their ARNs: pure, so that policies can name what is not made
yet.

Names are known before anything exists. A preview shows the policies in full, a policy can refer to a role that is made
after it, and whoever reads a bill or a log finds the stack in it.

Where policies cover all names of a stack, a character ends the prefix that no prefix has in it: so what begins with
`trainyard-dev_` is of the stack dev, and never of a stack dev-2.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from infra.names import fit, fit_characters, prefix_of


@dataclass(frozen=True)
class Names:
    """The names of one stack in one account and region."""

    project: str
    stack: str
    account_id: str
    """Twelve digits."""
    region: str

    @property
    def prefix(self) -> str:
        """What every name begins with: at most 30 of a-z, 0-9 and -; another one for each project and stack."""
        return prefix_of(self.project, self.stack)

    @property
    def partition(self) -> str:
        """The ARN's second part: aws, aws-cn or aws-us-gov."""
        for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(start):
                return partition
        return "aws"

    @property
    def dns_suffix(self) -> str:
        """What the host names of the region's services end with."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    @property
    def cluster(self) -> str:
        """The EKS cluster."""
        return self.prefix

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def iam_arn(self, resource: str) -> str:
        """The ARN of something in this account's IAM, which has no region: `role/NAME`, `root`."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    @property
    def cluster_arn(self) -> str:
        """The ARN of the EKS cluster."""
        return self.arn("eks", f"cluster/{self.cluster}")

    def bucket(self, purpose: str) -> str:
        """A bucket, named for all of AWS: at most 63 characters."""
        return fit(f"{self.prefix}-{purpose}-{self.account_id}-{self.region}", 63)

    def bucket_arn(self, purpose: str) -> str:
        """The ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket(purpose)}"

    def role(self, purpose: str) -> str:
        """An IAM role, and its policies: at most 64 characters. `*` stands for all of the stack's."""
        return f"{self.prefix}_{purpose if purpose == '*' else fit(purpose, 33)}"

    def role_arn(self, purpose: str) -> str:
        """The ARN of an IAM role."""
        return self.iam_arn(f"role/{self.role(purpose)}")

    def key_alias(self, purpose: str) -> str:
        """The alias of a KMS key."""
        return f"alias/{self.prefix}/{purpose}"

    def node_pool(self, pool: str) -> str:
        """The launch template and the placement group of a pool of nodes."""
        return f"{self.prefix}_{pool}"

    def queue(self, purpose: str) -> str:
        """An SQS queue. `*` stands for all of the stack's."""
        return f"{self.prefix}_{purpose}"

    def event_rule(self, event: str) -> str:
        """A rule of EventBridge. `*` stands for all of the stack's."""
        return f"{self.prefix}_{event}"

    @property
    def schedule_group(self) -> str:
        """The group of the stack's schedules in EventBridge Scheduler; their own names are told apart within it."""
        return self.prefix

    @property
    def schedule_group_arn(self) -> str:
        """The ARN of the group of schedules."""
        return self.arn("scheduler", f"schedule-group/{self.schedule_group}")

    def schedule_arn(self, schedule: str) -> str:
        """The ARN of a schedule. `*` stands for all of the stack's."""
        return self.arn("scheduler", f"schedule/{self.schedule_group}/{schedule}")

    def state_machine(self, purpose: str) -> str:
        """A state machine of Step Functions. `*` stands for all of the stack's."""
        return f"{self.prefix}_{purpose}"

    def state_machine_arn(self, purpose: str) -> str:
        """The ARN of a state machine."""
        return self.arn("states", f"stateMachine:{self.state_machine(purpose)}")

    def team_role(self, team: str, identity: str) -> str:
        """The purpose of the role of a team's identity. No other role's purpose begins so."""
        return f"team-{team}-{identity}"

    def team_role_arns(self, team: str, identities: Iterable[str]) -> list[str]:
        """The ARNs of a team's roles, each written out: `team-TEAM-*` would be of the team TEAM-OTHER, too."""
        return [self.role_arn(self.team_role(team, identity)) for identity in identities]

    @property
    def every_team_role_arn(self) -> str:
        """The ARN of the roles of all teams but the program's own."""
        return self.iam_arn(f"role/{self.prefix}_team-*")

    def project_role_arn(self, purpose: str) -> str:
        """The ARN of the roles of a purpose of every stack of the project. `*` stands for all of them.

        By how their names begin: another project's may begin alike where this one's name has more than 20 characters.
        """
        project = fit_characters(self.project)
        start = f"{project}-" if 0 < len(project) <= _PROJECT_KEPT else project[:_PROJECT_KEPT]
        return self.iam_arn(f"role/{start}*_{purpose}")

    def log_group(self, purpose: str) -> str:
        """A log group in CloudWatch; EKS names that of the control plane itself."""
        return f"/{self.prefix}/{purpose}"

    @property
    def cluster_log_group(self) -> str:
        """The log group that EKS writes the control plane's logs to."""
        return f"/aws/eks/{self.cluster}/cluster"

    def repository(self, image: str) -> str:
        """The ECR repository of an image. `*` stands for all of the stack's."""
        return f"{self.prefix}/{image}"

    @property
    def registry(self) -> str:
        """The host name of the account's image registry."""
        return f"{self.account_id}.dkr.ecr.{self.region}.{self.dns_suffix}"

    def cached_repository(self, upstream: str) -> str:
        """What the ECR repositories begin with that hold what was pulled through from an upstream registry.

        ECR takes at most 30 characters there, so a long name is shortened further. `*` stands for all of the stack's.
        """
        return f"{fit(self.prefix, 25)}/{upstream}"


_PROJECT_KEPT = 20
"""Characters of a project's name that every prefix of its stacks begins with."""

"""Types of resources that cost nothing by themselves, each with the reason and who says so.

A type is here because somebody looked, never because it has no price: that one is listed as unpriced.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Free:
    """Why a type costs nothing."""

    reason: str
    source: str


_NETWORK = Free("parts of a network cost nothing by themselves", "Amazon VPC pricing page")
_IAM = Free("identities and policies cost nothing", "AWS IAM user guide, Introduction")
_BUCKET = Free("settings of a bucket cost nothing", "Amazon S3 pricing page")
_EKS = Free("who may do what in a cluster costs nothing", "Amazon EKS pricing page")
_TEMPLATE = Free(
    "launch templates cost nothing: what is started from them is counted", "Amazon EC2 user guide, Launch templates"
)
_PLACED = Free("placement groups cost nothing", "Amazon EC2 user guide, Placement groups")
_PART_OF = Free("parts of what they belong to, which is counted", "Pulumi registry, AWS")
_SCHEDULE = Free(
    "a schedule costs a dollar for a million calls: less than 5 cents a month for one every minute",
    "Amazon EventBridge pricing page",
)
_STATE_MACHINE = Free(
    "25 dollars for a million steps; the one of an expiry makes none before the stack has expired",
    "AWS Step Functions pricing page",
)
_GCP_NETWORK = Free("parts of a network cost nothing by themselves", "Google Cloud, VPC network pricing")
_GCP_FIREWALL = Free(
    "firewall rules of a network are Cloud NGFW Essentials, which costs nothing", "Google Cloud, Cloud NGFW pricing"
)
_GCP_IAM = Free("identities, roles and policies cost nothing", "Google Cloud, IAM documentation, Overview")
_GCP_API = Free(
    "APIs that are switched on cost nothing until they are used", "Google Cloud, Service Usage documentation"
)
_GCP_PART_OF = Free("parts of what they belong to, which is counted", "Pulumi registry, Google Cloud")
_GCP_ROUTED = Free(
    "routing and leaving out logs costs nothing: where they are written is counted",
    "Google Cloud Observability pricing, Log Router",
)
_GCP_TOLD = Free("channels by e-mail cost nothing", "Google Cloud Observability pricing")
_BUILD = Free("built on the machine that deploys; their repository is counted", "Pulumi registry, Docker Build")
_LOCAL = Free("run on this machine", "infra/local")
_DRAINED = Free("only empties a cluster before it goes", "infra/kubernetes/drain.py")
_PROVIDER = Free("only say how a cloud is reached", "Pulumi documentation, Providers")
_ADDON = Free(
    "only says what a controller does; what that runs, runs on nodes that are counted",
    "Karpenter, Kueue, KEDA, Prometheus Operator, Gateway API and Envoy Gateway documentation",
)
_KUBERNETES = Free("what runs for it runs on nodes that are counted", "Kubernetes documentation, Workloads")

FREE: Mapping[str, Free] = {
    **dict.fromkeys(
        (
            "aws:ec2/subnet:Subnet",
            "aws:ec2/route:Route",
            "aws:ec2/routeTable:RouteTable",
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
            "aws:ec2/securityGroup:SecurityGroup",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        ),
        _NETWORK,
    ),
    **dict.fromkeys(
        (
            "aws:iam/role:Role",
            "aws:iam/rolePolicy:RolePolicy",
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "aws:iam/policy:Policy",
            "aws:iam/instanceProfile:InstanceProfile",
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            "aws:iam/serviceLinkedRole:ServiceLinkedRole",
        ),
        _IAM,
    ),
    **dict.fromkeys(
        (
            "aws:s3/bucketLogging:BucketLogging",
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
            "aws:s3/bucketPolicy:BucketPolicy",
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "aws:s3/bucketVersioning:BucketVersioning",
        ),
        _BUCKET,
    ),
    **dict.fromkeys(
        (
            "aws:eks/accessEntry:AccessEntry",
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        ),
        _EKS,
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": _TEMPLATE,
    "aws:ec2/placementGroup:PlacementGroup": _PLACED,
    **dict.fromkeys(
        (
            "aws:cloudwatch/eventTarget:EventTarget",
            "aws:ec2transitgateway/instanceState:InstanceState",
            "aws:ecr/lifecyclePolicy:LifecyclePolicy",
            "aws:kms/alias:Alias",
            "aws:sqs/queuePolicy:QueuePolicy",
        ),
        _PART_OF,
    ),
    "aws:scheduler/schedule:Schedule": _SCHEDULE,
    "aws:scheduler/scheduleGroup:ScheduleGroup": _SCHEDULE,
    "aws:sfn/stateMachine:StateMachine": _STATE_MACHINE,
    **dict.fromkeys(
        (
            "gcp:compute/route:Route",
            "gcp:compute/router:Router",
            "gcp:compute/resourcePolicy:ResourcePolicy",
        ),
        _GCP_NETWORK,
    ),
    "gcp:compute/firewall:Firewall": _GCP_FIREWALL,
    **dict.fromkeys(
        (
            "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
            "gcp:compute/instanceIAMMember:InstanceIAMMember",
            "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
            "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
            "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
            "gcp:projects/iAMCustomRole:IAMCustomRole",
            "gcp:projects/iAMMember:IAMMember",
            "gcp:projects/serviceIdentity:ServiceIdentity",
            "gcp:serviceaccount/account:Account",
            "gcp:serviceaccount/iAMMember:IAMMember",
            "gcp:storage/bucketIAMMember:BucketIAMMember",
        ),
        _GCP_IAM,
    ),
    "gcp:projects/service:Service": _GCP_API,
    "gcp:dns/recordSet:RecordSet": _GCP_PART_OF,
    "gcp:kms/keyRing:KeyRing": _GCP_PART_OF,
    "gcp:logging/projectExclusion:ProjectExclusion": _GCP_ROUTED,
    "gcp:logging/projectSink:ProjectSink": _GCP_ROUTED,
    "gcp:monitoring/notificationChannel:NotificationChannel": _GCP_TOLD,
    "docker-build:index:Image": _BUILD,
}
# Groups of the Kubernetes API and of what is installed by charts. A group that makes something of a cloud is none of
# these: its types are priced (`price_kubernetes`, `price_karpenter`), or listed as unpriced.
_KUBERNETES_GROUPS = (
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "core",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
)
_ADDON_GROUPS = (
    "gateway.envoyproxy.io",
    "gateway.networking.k8s.io",
    "karpenter.k8s.aws",
    "keda.sh",
    "kueue.x-k8s.io",
    "monitoring.coreos.com",
)
_PREFIXES: Mapping[str, Free] = {
    "pulumi-python:dynamic/local:": _LOCAL,
    "pulumi-python:dynamic/kubernetes:": _DRAINED,
    "pulumi:providers:": _PROVIDER,
    **{f"kubernetes:{group}/": _KUBERNETES for group in _KUBERNETES_GROUPS},
    **{f"kubernetes:{group}/": _ADDON for group in _ADDON_GROUPS},
}


def free_type(type_: str) -> Free | None:
    """Why a type costs nothing; None where nobody says that."""
    return FREE.get(type_) or next((free for prefix, free in _PREFIXES.items() if type_.startswith(prefix)), None)

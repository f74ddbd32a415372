"""Which of what is left costs money for as long as it is there, whether anybody uses it or not. Facts, by kind.

Sources: the price page of each service (2026). What is billed by what goes through it (queues, rules, topics) costs
nothing when nothing does. On Google Cloud, a log bucket is free for 30 days, a snapshot is billed by its bytes, a job
of Cloud Scheduler for being there, runs or not (three of a billing account are free), and an address inside a network
is free.
"""

COSTLY = frozenset(
    {
        # AWS
        "Auto Scaling group",
        "DynamoDB table",
        "EBS snapshot",
        "EBS volume",
        "EFS file system",
        "EKS cluster",
        "EKS node group",
        "FSx file system",
        "KMS key",
        "NAT gateway",
        "VPC endpoint",
        "alarm",
        "bucket",
        "classic load balancer",
        "elastic IP address",
        "image repository",
        "instance",
        "load balancer",
        "log group",
        "secret",
        # Google Cloud
        "GKE cluster",
        "KMS key version",
        "address",
        "disk",
        "forwarding rule",
        "log bucket",
        "machine",
        "managed instance group",
        "router with its NAT",
        "scheduled job",
        "snapshot",
        "zone of names",
    }
)
"""The kinds that audits name, as they call them."""


def costs_money(kind: str) -> bool:
    """Whether a thing of a kind costs as long as it is there; for a kind that no audit names: not known to. Pure."""
    return kind in COSTLY

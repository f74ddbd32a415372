"""An internal load balancer that hands on headers which no standard allows.

Caught by: aws-load-balancer-drops-invalid-headers
"""

import pulumi_aws as aws

aws.alb.LoadBalancer(
    "models",
    internal=True,
    subnets=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    security_groups=["sg-0123456789abcdef0"],
)

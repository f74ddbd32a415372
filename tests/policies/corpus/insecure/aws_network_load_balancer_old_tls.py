"""A load balancer with the security policy that it gets where none is named.

Caught by: aws-load-balancer-strong-tls
"""

import pulumi_aws as aws

balancer = aws.lb.LoadBalancer(
    "models",
    load_balancer_type="application",
    subnets=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    security_groups=["sg-0123456789abcdef0"],
    drop_invalid_header_fields=True,
)
aws.lb.Listener(
    "https",
    load_balancer_arn=balancer.arn,
    port=443,
    protocol="HTTPS",
    certificate_arn="arn:aws:acm:eu-west-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab",
    default_actions=[
        {
            "type": "forward",
            "target_group_arn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/models/0123456789ab",
        }
    ],
)

"""A public load balancer that serves models by HTTP, behind a path that looks harmless.

Caught by: aws-load-balancer-encrypted
"""

import pulumi_aws as aws

balancer = aws.lb.LoadBalancer(
    "models",
    load_balancer_type="application",
    subnets=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    security_groups=["sg-0123456789abcdef0"],
    drop_invalid_header_fields=True,
)
listener = aws.lb.Listener(
    "http",
    load_balancer_arn=balancer.arn,
    port=80,
    protocol="HTTP",
    default_actions=[{"type": "redirect", "redirect": {"protocol": "HTTPS", "status_code": "HTTP_301"}}],
)
aws.lb.ListenerRule(
    "models",
    listener_arn=listener.arn,
    conditions=[{"path_pattern": {"values": ["/v2/*"]}}],
    actions=[
        {
            "type": "forward",
            "target_group_arn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/models/0123456789ab",
        }
    ],
)

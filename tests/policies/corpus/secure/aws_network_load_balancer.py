"""Load balancers: one sends HTTP to HTTPS, one passes TCP on, and an internal one speaks HTTP."""

import pulumi_aws as aws

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
TARGETS = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/models/0123456789abcdef"
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab"
FORWARD = {"type": "forward", "target_group_arn": TARGETS}
LOGS = {"bucket": "example-logs", "enabled": True}

public = aws.lb.LoadBalancer(
    "public",
    load_balancer_type="application",
    subnets=SUBNETS,
    security_groups=["sg-0123456789abcdef0"],
    drop_invalid_header_fields=True,
    enable_deletion_protection=True,
    access_logs=LOGS,
)
aws.lb.Listener(
    "https",
    load_balancer_arn=public.arn,
    port=443,
    protocol="HTTPS",
    ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
    certificate_arn=CERTIFICATE,
    default_actions=[FORWARD],
)
http = aws.lb.Listener(
    "http",
    load_balancer_arn=public.arn,
    port=80,
    protocol="HTTP",
    default_actions=[
        {"type": "fixed-response", "fixed_response": {"content_type": "text/plain", "status_code": "404"}}
    ],
)
aws.lb.ListenerRule(
    "to-https",
    listener_arn=http.arn,
    conditions=[{"host_header": {"values": ["models.example.com"]}}],
    actions=[{"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"}}],
)

passing = aws.lb.LoadBalancer(
    "passing", load_balancer_type="network", subnets=SUBNETS, enable_deletion_protection=True, access_logs=LOGS
)
aws.lb.Listener("tls-of-the-target", load_balancer_arn=passing.arn, port=443, protocol="TCP", default_actions=[FORWARD])

inside = aws.lb.LoadBalancer(
    "inside",
    internal=True,
    subnets=SUBNETS,
    security_groups=["sg-0123456789abcdef0"],
    drop_invalid_header_fields=True,
    enable_deletion_protection=True,
    access_logs=LOGS,
)
aws.lb.Listener("inside", load_balancer_arn=inside.arn, port=80, protocol="HTTP", default_actions=[FORWARD])

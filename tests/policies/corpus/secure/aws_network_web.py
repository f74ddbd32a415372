"""A load balancer for everybody: HTTPS, port 80 that sends there, and records in a bucket that KMS may not encrypt."""

import json

import pulumi_aws as aws

TARGETS = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/models/0123456789abcdef"
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab"
VPC = "vpc-0123456789abcdef0"

logs = aws.s3.Bucket("balancer-logs", bucket="example-balancer-logs")
aws.s3.BucketPublicAccessBlock(
    "balancer-logs",
    bucket=logs.id,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
aws.s3.BucketServerSideEncryptionConfiguration(
    "balancer-logs",
    bucket=logs.id,
    rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
)
aws.s3.BucketVersioning("balancer-logs", bucket=logs.id, versioning_configuration={"status": "Enabled"})
aws.s3.BucketLogging(
    "balancer-logs", bucket=logs.id, target_bucket="example-access-logs", target_prefix="balancer-logs/"
)
aws.s3.BucketLifecycleConfiguration(
    "balancer-logs",
    bucket=logs.id,
    rules=[
        {
            "id": "end",
            "status": "Enabled",
            "filter": {},
            "expiration": {"days": 90},
            "noncurrent_version_expiration": {"noncurrent_days": 30},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
    ],
)
aws.s3.BucketPolicy(
    "balancer-logs",
    bucket=logs.id,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": "arn:aws:s3:::example-balancer-logs/AWSLogs/123456789012/*",
                },
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": ["arn:aws:s3:::example-balancer-logs", "arn:aws:s3:::example-balancer-logs/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        }
    ),
)

web = aws.ec2.SecurityGroup(
    "web",
    description="The load balancer",
    vpc_id=VPC,
    ingress=[
        {
            "description": "HTTPS",
            "protocol": "tcp",
            "from_port": 443,
            "to_port": 443,
            "cidr_blocks": ["0.0.0.0/0"],
            "ipv6_cidr_blocks": ["::/0"],
        },
        {
            "description": "HTTP, which is sent to HTTPS",
            "protocol": "tcp",
            "from_port": 80,
            "to_port": 80,
            "cidr_blocks": ["0.0.0.0/0"],
        },
    ],
)
aws.vpc.SecurityGroupIngressRule(
    "http-by-ipv6",
    security_group_id=web.id,
    description="HTTP, which is sent to HTTPS",
    ip_protocol="tcp",
    from_port=80,
    to_port=80,
    cidr_ipv6="::/0",
)
models = aws.ec2.SecurityGroup("models", description="The models", vpc_id=VPC)
aws.vpc.SecurityGroupEgressRule(
    "to-models",
    security_group_id=web.id,
    description="To the models",
    referenced_security_group_id=models.id,
    ip_protocol="tcp",
    from_port=8000,
    to_port=8000,
)
aws.vpc.SecurityGroupIngressRule(
    "from-web",
    security_group_id=models.id,
    description="From the load balancer",
    referenced_security_group_id=web.id,
    ip_protocol="tcp",
    from_port=8000,
    to_port=8000,
)
aws.ec2.SecurityGroupRule(
    "among-models",
    type="ingress",
    security_group_id=models.id,
    description="Among the models",
    self=True,
    protocol="-1",
    from_port=0,
    to_port=0,
)

balancer = aws.lb.LoadBalancer(
    "web",
    load_balancer_type="application",
    security_groups=[web.id],
    subnets=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    drop_invalid_header_fields=True,
    enable_deletion_protection=True,
    access_logs={"bucket": logs.id, "enabled": True},
)
aws.lb.Listener(
    "https",
    load_balancer_arn=balancer.arn,
    port=443,
    protocol="HTTPS",
    ssl_policy="ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    certificate_arn=CERTIFICATE,
    default_actions=[{"type": "forward", "target_group_arn": TARGETS}],
)
aws.lb.Listener(
    "http",
    load_balancer_arn=balancer.arn,
    port=80,
    protocol="HTTP",
    default_actions=[{"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"}}],
)

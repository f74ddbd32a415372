"""A repository that the organization pulls from, scanned by the registry's own rule, and a cache of others' images."""

import json

import pulumi_aws as aws

key = aws.kms.Key("images", description="Encrypts the images.", enable_key_rotation=True)
encryption = [{"encryption_type": "KMS", "kms_key": key.arn}]
training = aws.ecr.Repository(
    "training",
    name="example/training",
    image_tag_mutability="IMMUTABLE_WITH_EXCLUSION",
    image_tag_mutability_exclusion_filters=[{"filter": "latest", "filter_type": "WILDCARD"}],
    encryption_configurations=encryption,
)
aws.ecr.LifecyclePolicy(
    "training",
    repository=training.name,
    policy=json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 30},
                    "action": {"type": "expire"},
                }
            ]
        }
    ),
)
pull = {
    "Sid": "PullByOrganization",
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
}
aws.ecr.RepositoryPolicy(
    "training", repository=training.name, policy=json.dumps({"Version": "2012-10-17", "Statement": [pull]})
)
aws.ecr.RegistryScanningConfiguration(
    "all",
    scan_type="ENHANCED",
    rules=[
        {
            "scan_frequency": "CONTINUOUS_SCAN",
            "repository_filters": [{"filter": "example/", "filter_type": "WILDCARD"}],
        }
    ],
)
aws.ecr.RepositoryCreationTemplate(
    "cache",
    prefix="k8s",
    applied_fors=["PULL_THROUGH_CACHE"],
    image_tag_mutability="MUTABLE",
    encryption_configurations=encryption,
)

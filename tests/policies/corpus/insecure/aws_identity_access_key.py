"""A user gets an access key that nobody turns off.

Caught by: aws-identity-no-static-keys
"""

import pulumi
import pulumi_aws as aws

key = aws.iam.AccessKey("pipeline", user="pipeline")
pulumi.export("secret", key.secret)

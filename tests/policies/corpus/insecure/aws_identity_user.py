"""A user is made for the pipeline.

Caught by: aws-identity-no-users
"""

import pulumi_aws as aws

user = aws.iam.User("pipeline", name="pipeline")
group = aws.iam.Group("deployers")
aws.iam.GroupMembership("deployers", group=group.name, users=[user.name])

"""A user with an access key is let into the cluster.

Caught by: aws-cluster-entries-for-roles
"""

import pulumi_aws as aws

aws.eks.AccessEntry("ada", cluster_name="serving", principal_arn="arn:aws:iam::123456789012:user/ada")

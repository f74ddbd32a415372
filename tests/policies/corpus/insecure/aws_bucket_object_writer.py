"""A bucket whose objects belong to whoever wrote them.

Caught by: aws-bucket-no-object-lists
"""

import pulumi_aws as aws

aws.s3.BucketOwnershipControls("uploads", bucket="example-uploads", rule={"object_ownership": "ObjectWriter"})

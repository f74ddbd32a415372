"""A parameter with a password is not encrypted.

Caught by: secrets-parameters-encrypted
"""

import pulumi_aws as aws

aws.ssm.Parameter("password", name="/digits/db_password", type="String", value="correct horse battery")

"""A task of ECS is given an API key among its variables.

Caught by: secrets-cloud-environment
"""

import json

import pulumi_aws as aws

container = {
    "name": "main",
    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/report@sha256:" + "0a" * 32,
    "environment": [{"name": "WEATHER_API_KEY", "value": "a1b2c3d4e5f6"}],
    "readonlyRootFilesystem": True,
}
aws.ecs.TaskDefinition("report", family="report", container_definitions=json.dumps([container]))

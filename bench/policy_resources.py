"""The resources by which a policy pack's speed is measured: those of a small platform, over and over.

They are of the types that the rules judge, as a program writes them: buckets and what protects them, networks, roles,
keys, queues, nodes and Kubernetes workloads. Pulumi's packages for clouds are not needed, and would take far longer to
import than any policy pack.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.resource_state import ResourceState
from engine.values import UNKNOWN

PROJECT = "bench"
STACK = "bench"
_TAGS = {"Project": "bench", "Environment": "dev", "Owner": "platform@example.com", "CostCentre": "1234"}
_ASSUMED = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
_GRANTED = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::bench-data/*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bench-data"},
        ],
    }
)
_LABELS = {"app.kubernetes.io/name": "worker", "app.kubernetes.io/part-of": "bench"}
_POD = {
    "serviceAccountName": "worker",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "worker",
            "image": "registry.example.com/worker@sha256:" + 64 * "0",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
        }
    ],
}
_METADATA = {"name": "worker", "namespace": "bench", "labels": _LABELS}


@dataclass(frozen=True, slots=True)
class Template:
    """One resource of a round."""

    key: str
    """By which later ones of its round refer to it."""
    type: str
    inputs: dict[str, Any]
    references: dict[str, str]
    """Inputs that are the id of another: by name, the other's key."""


ROUND: tuple[Template, ...] = (
    Template("key", "aws:kms/key:Key", {"enableKeyRotation": True, "deletionWindowInDays": 30, "tags": _TAGS}, {}),
    Template("bucket", "aws:s3/bucket:Bucket", {"tags": _TAGS}, {}),
    Template(
        "access",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        {"bucket": "bucket"},
    ),
    Template(
        "versions",
        "aws:s3/bucketVersioning:BucketVersioning",
        {"versioningConfiguration": {"status": "Enabled"}},
        {"bucket": "bucket"},
    ),
    Template(
        "encryption",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}]},
        {"bucket": "bucket"},
    ),
    Template("role", "aws:iam/role:Role", {"assumeRolePolicy": _ASSUMED, "tags": _TAGS}, {}),
    Template("grant", "aws:iam/rolePolicy:RolePolicy", {"policy": _GRANTED}, {"role": "role"}),
    Template(
        "group",
        "aws:ec2/securityGroup:SecurityGroup",
        {
            "description": "Reaches the endpoints of the network.",
            "egress": [
                {
                    "protocol": "tcp",
                    "fromPort": 443,
                    "toPort": 443,
                    "cidrBlocks": ["10.0.0.0/16"],
                    "description": "Endpoints of the network.",
                }
            ],
            "tags": _TAGS,
        },
        {},
    ),
    Template(
        "template",
        "aws:ec2/launchTemplate:LaunchTemplate",
        {
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": [
                {"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "volumeType": "gp3", "volumeSize": 100}}
            ],
            "tags": _TAGS,
        },
        {},
    ),
    Template(
        "queue", "aws:sqs/queue:Queue", {"messageRetentionSeconds": 300, "tags": _TAGS}, {"kmsMasterKeyId": "key"}
    ),
    Template("logs", "aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 365, "tags": _TAGS}, {"kmsKeyId": "key"}),
    Template("account", "kubernetes:core/v1:ServiceAccount", {"metadata": _METADATA}, {}),
    Template("config", "kubernetes:core/v1:ConfigMap", {"metadata": _METADATA, "data": {"level": "info"}}, {}),
    Template(
        "workload",
        "kubernetes:apps/v1:Deployment",
        {
            "metadata": _METADATA,
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": _LABELS},
                "template": {"metadata": {"labels": _LABELS}, "spec": _POD},
            },
        },
        {},
    ),
    Template(
        "service",
        "kubernetes:core/v1:Service",
        {"metadata": _METADATA, "spec": {"selector": _LABELS, "ports": [{"port": 80, "targetPort": 8080}]}},
        {},
    ),
    Template(
        "isolation",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        {
            "metadata": _METADATA,
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []},
        },
        {},
    ),
)

_PROGRAM = '''\
"""Registers the resources that a policy pack is measured with."""

import json

import pulumi

ROUND = json.loads({ROUND!r})

made = {}
for index in range({COUNT}):
    key, type_, inputs, references = ROUND[index % len(ROUND)]
    given = {**inputs, **{name: made[other].id for name, other in references.items()}}
    made[key] = pulumi.CustomResource(type_, f"{key}-{index // len(ROUND)}", given)
'''


def program(count: int) -> str:
    """A program, as text, that registers so many resources."""
    templates = [(each.key, each.type, each.inputs, each.references) for each in ROUND]
    return _PROGRAM.replace("{ROUND!r}", repr(json.dumps(templates))).replace("{COUNT}", str(count))


def states(count: int) -> list[ResourceState]:
    """What a preview by the embedded engine makes of that program, without the stack and the providers."""
    return list(_states(count))


def _states(count: int) -> Iterator[ResourceState]:
    urns: dict[str, str] = {}
    stack = f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{STACK}"
    for index in range(count):
        each = ROUND[index % len(ROUND)]
        urns[each.key] = urn = f"urn:pulumi:{STACK}::{PROJECT}::{each.type}::{each.key}-{index // len(ROUND)}"
        inputs = {**each.inputs, **dict.fromkeys(each.references, UNKNOWN)}
        made_of = {name: [urns[other]] for name, other in each.references.items()}
        dependencies = [urn for urns_ in made_of.values() for urn in urns_]
        yield ResourceState(
            urn,
            each.type,
            True,
            inputs=inputs,
            outputs=inputs,
            parent=stack,
            dependencies=dependencies,
            property_dependencies=made_of,
        )

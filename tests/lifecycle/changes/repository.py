"""A repository of three commits, made anew in a folder: a small project that lies below the repository's own folder.

Its resources are Amazon's by their types only: nothing of the provider's package is needed. Its policy pack is its own,
and its modules bear the names of this project's own, so that a mistaken import would be seen.
"""

import os
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

from tests.engine.policy_packs import policy_python

PROGRAM = """
    import json

    import pulumi

    from infra.sizes import GATEWAYS
    from planning.names import BUCKET, TAGS


    def resource(type_, name, opts=None, **inputs):
        return pulumi.CustomResource(type_, name, inputs, opts)


    stack = pulumi.get_stack()
    kept = pulumi.ResourceOptions(protect=True)
    models = resource("aws:s3/bucket:Bucket", "models", bucket=f"{BUCKET}-{stack}", tags=TAGS, opts=kept)
    policy = json.dumps({"Statement": [{"Sid": "Read"}]})
    resource("aws:s3/bucketPolicy:BucketPolicy", "models", bucket=models.id, policy=policy)
    for index in range(GATEWAYS):
        resource("aws:ec2/natGateway:NatGateway", f"nat-{index}", subnetId=f"subnet-{index}")
    pulumi.export("bucket", f"{BUCKET}-{stack}")
    pulumi.export("password", pulumi.Output.secret("hunter2"))
    """
ROLE = """
    resource("aws:iam/role:Role", "trainer", assumeRolePolicy=json.dumps({"Statement": [STATEMENT]}), password=SECRET)
    """
PACK = """
    from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy


    def tagged(args, report):
        if args.resource_type == "aws:s3/bucket:Bucket" and not args.props.get("tags"):
            report(f"{args.name} has no | tags, says @everybody.")


    def few(args, report):
        if sum(each.resource_type == "aws:ec2/natGateway:NatGateway" for each in args.resources) > 1:
            report("There are many gateways.")


    PolicyPack("own", [
        ResourceValidationPolicy("tagged", "Buckets have tags.", tagged, EnforcementLevel.TAGGED),
        StackValidationPolicy("few-gateways", "Gateways are few.", few, EnforcementLevel.MANDATORY),
    ])
    """
POLICY_PROJECT = """
    version: 1.0.0
    runtime:
      name: python
      options:
        virtualenv: .venv
    """

FIRST: Mapping[str, str] = {
    ".gitignore": ".venv\n__pycache__\n",
    ".gitattributes": "*.py filter=planted\n",
    "README.md": "A project below.\n",
    "deploy/Pulumi.yaml": "name: shop\nruntime: python\n",
    "deploy/Pulumi.dev.yaml": "config:\n  aws:region: eu-west-1\n",
    "deploy/__main__.py": PROGRAM,
    "deploy/infra/__init__.py": "",
    "deploy/infra/sizes.py": "GATEWAYS = 1\n",
    "deploy/planning/__init__.py": "",
    "deploy/planning/names.py": "BUCKET = 'shop-models'\nTAGS = {'owner': 'shop'}\n",
    "deploy/policies/PulumiPolicy.yaml": POLICY_PROJECT,
    "deploy/policies/__main__.py": PACK.replace("TAGGED", "MANDATORY"),
}
SECOND: Mapping[str, str] = {
    "deploy/__main__.py": PROGRAM
    + ROLE.replace("STATEMENT", '{"Action": "sts:AssumeRole"}').replace("SECRET", "pulumi.Output.secret('old')")
    + '\n    resource("aws:kms/key:Key", "logs", description="for logs")\n',
}
THIRD: Mapping[str, str] = {
    "deploy/__main__.py": PROGRAM
    + ROLE.replace("STATEMENT", '{"Action": ["sts:AssumeRole", "sts:TagSession"]}').replace(
        "SECRET", "pulumi.Output.secret('new')"
    )
    + '\n    resource("aws:sqs/queue:Queue", "work\\n``` | <img src=x> @everybody", visibilityTimeoutSeconds=30)\n',
    "deploy/infra/sizes.py": "GATEWAYS = 2\n",
    "deploy/planning/names.py": "BUCKET = 'shop-models-eu'\nTAGS = {}\n",
    "deploy/policies/__main__.py": PACK.replace("TAGGED", "ADVISORY"),
}


def make_repository(folder: Path) -> Path:
    """Makes the repository, with the third commit checked out; `main` is the second. Returns the project's folder."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, FIRST, "First")
    commit(folder, SECOND, "Second")
    git(folder, "switch", "--quiet", "--create", "change")
    commit(folder, THIRD, "Third")
    # As `make setup` leaves it: in the working tree only.
    (folder / "deploy" / "policies" / ".venv").symlink_to(Path(policy_python()).parents[1])
    return folder / "deploy"


def commit(folder: Path, files: Mapping[str, str], message: str) -> None:
    """Writes the files and commits them with all else that is there."""
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files, by their path below the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def git(folder: Path, *arguments: str) -> str:
    """Runs git with nothing of the user's own settings, at a time of its own; returns what it says."""
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _WHO.items()},
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=variables, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


_WHO = {"NAME": "Somebody", "EMAIL": "somebody@example.com", "DATE": "2026-01-01T00:00:00Z"}

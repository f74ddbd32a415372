"""Says where a stack is deployed and as whom, as a workflow's step outputs, from the stack's file.

The roles and service accounts for previews and deployments are those that the stack itself makes (infra/aws/github.py,
infra/gcp/github.py). Their names are known beforehand, so nothing of them has to be told to GitHub a second time.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.errors import EngineError  # noqa: E402
from engine.project import load_project  # noqa: E402
from engine.stack_settings import load_stack_settings  # noqa: E402
from infra.aws.github_policies import DEPLOY, PREVIEW  # noqa: E402
from infra.aws.naming import Names as AwsNames  # noqa: E402
from infra.gcp.naming import Names as GcpNames  # noqa: E402

ROLES = {"preview": PREVIEW, "deploy": DEPLOY}
"""What the workflows ask for, and what each cloud's role or service account for it is there for."""
_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,128}", re.ASCII)
_SERVICE_ACCOUNT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]@([a-z][a-z0-9-]{4,28}[a-z0-9])\.iam\.gserviceaccount\.com")
_PROVIDER = re.compile(
    r"projects/(\d+)/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}"
)


class NoTarget(Exception):
    """The stack's file does not say where a workflow could deploy it; the text says what is missing."""


def main(arguments: list[str] | None = None) -> int:
    """Prints NAME=VALUE lines and returns the exit code: 0, or 2 where the stack's file says too little."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument(
        "--role", required=True, help="preview, deploy, an ARN of a role, or a service account's address"
    )
    parser.add_argument("--provider", default="", help="the identity provider of Google Cloud that trusts the workflow")
    parser.add_argument("--backend", default="", help="where the state is, for a stack that names no state_bucket")
    asked = parser.parse_args(arguments)
    try:
        target = find_target(
            asked.stack, asked.role, asked.backend, os.environ.get("GITHUB_REPOSITORY", ""), asked.provider
        )
    except (NoTarget, EngineError) as error:
        print(f"deployment_target: {error}", file=sys.stderr)
        return 2
    for name, value in target.items():
        print(f"{name}={value}")
    return 0


def find_target(
    stack: str, role: str, backend: str, repository: str, provider: str = "", folder: Path = ROOT
) -> dict[str, str]:
    """Cloud, account or project, region, role or service account, and state of a stack. Raises NoTarget and
    EngineError.

    :param role: `preview`, `deploy`, or the ARN or address of a role or service account that the stack does not make.
    :param backend: Where the state is, where the stack's file names no bucket for it.
    :param repository: The repository that asks, as OWNER/NAME.
    :param provider: The identity provider of Google Cloud that trusts the workflow.
    """
    project = load_project(folder)
    settings = load_stack_settings(project, stack)
    file = settings.file.name
    if not settings.file.is_file():
        raise NoTarget(f"there is no {file}")
    cloud = settings.config.get(f"{project.name}:cloud")
    if cloud not in ("aws", "gcp"):
        raise NoTarget(f"{file}: {project.name}:cloud is neither aws nor gcp, and the workflows deploy nowhere else")
    group = _mapping(settings.config.get(f"{project.name}:{cloud}"))
    github = _mapping(_mapping(group.get("identity")).get("github"))
    if role in ROLES and github.get("repository", "").lower() != repository.lower():
        where = f"repository in identity.github of {project.name}:{cloud}"
        named = github.get("repository") or "empty"
        raise NoTarget(f"{file}: {where} is {named}, and this is {repository or 'no workflow'}: it has no role for it")
    region = settings.config.get(f"{cloud}:region")
    if not isinstance(region, str) or not re.fullmatch(r"[a-z0-9-]{5,30}", region):
        raise NoTarget(f"{file}: {cloud}:region must be a region such as {_EXAMPLES[cloud]}")
    bucket = github.get("state_bucket", "")
    if cloud == "aws":
        found = _aws_target(file, project.name, stack, role, group, region)
        backend = f"s3://{bucket}?region={region}&awssdk=v2" if bucket else backend
    else:
        found = _gcp_target(file, project.name, stack, role, group, settings.config, region, provider)
        backend = f"gs://{bucket}" if bucket else backend
    if not re.fullmatch(r"[a-z0-9]+://[\x21-\x7e]+", backend):
        raise NoTarget(
            f"where the state is, nobody says: set state_bucket in identity.github of {file}, or the variable "
            "PULUMI_BACKEND_URL on GitHub, such as s3://my-state?region=eu-west-1 or gs://my-state"
        )
    return {"cloud": cloud, **found, "region": region, "backend": backend}


_EXAMPLES = {"aws": "eu-west-1", "gcp": "europe-west4"}


def _aws_target(
    file: str, project: str, stack: str, role: str, group: Mapping[str, Any], region: str
) -> dict[str, str]:
    """Account and role."""
    account = group.get("account_id")
    if not isinstance(account, str) or not re.fullmatch(r"[0-9]{12}", account):
        raise NoTarget(f"{file}: account_id in {project}:aws must be the account's twelve digits, as text")
    if role in ROLES:
        role = AwsNames(project, stack, account, region).role_arn(ROLES[role])
    else:
        matched = _ARN.fullmatch(role)
        if matched is None:
            shown = f"'{role}'" if role else "empty: set AWS_ROLE_ARN in the environment of that name on GitHub"
            raise NoTarget(f"the role is {shown}; it must be preview, deploy or the ARN of an IAM role")
        if matched[1] != account:
            raise NoTarget(f"{role} is not in account {account}, in which {file} deploys")
    return {"account": account, "role": role}


def _gcp_target(
    file: str,
    project: str,
    stack: str,
    role: str,
    group: Mapping[str, Any],
    config: Mapping[str, Any],
    region: str,
    provider: str,
) -> dict[str, str]:
    """Project, service account, and the identity provider by which the workflow acts as it."""
    project_id, number = config.get("gcp:project"), group.get("project_number")
    if not isinstance(project_id, str) or not re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", project_id):
        raise NoTarget(f"{file}: gcp:project must be a project's identifier")
    if not isinstance(number, str) or not re.fullmatch(r"[0-9]{6,19}", number):
        raise NoTarget(f"{file}: project_number in {project}:gcp must be the project's number, as text")
    if role in ROLES:
        role = GcpNames(project, stack, project_id, number, region).service_account(ROLES[role])
    else:
        matched = _SERVICE_ACCOUNT.fullmatch(role)
        if matched is None:
            shown = f"'{role}'" if role else "empty: set GCP_SERVICE_ACCOUNT in the environment of that name on GitHub"
            raise NoTarget(f"the service account is {shown}; it must be preview, deploy or an address")
        if matched[1] != project_id:
            raise NoTarget(f"{role} is not of project {project_id}, in which {file} deploys")
    trusted = _PROVIDER.fullmatch(provider)
    if trusted is None:
        shown = f"'{provider}'" if provider else "empty: set GCP_WORKLOAD_IDENTITY_PROVIDER on GitHub"
        raise NoTarget(
            f"the identity provider is {shown}; it must be such as the stack's output github_provider_name, "
            "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER"
        )
    return {"account": project_id, "role": role, "provider": provider}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    sys.exit(main())

"""Says where a stack is deployed and by which role, as a workflow's step outputs, from the stack's file.

The roles for previews and deployments are those that the stack itself makes (infra/aws/github.py). Their names are
known beforehand, so nothing has to be told to GitHub a second time.
"""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.errors import EngineError  # noqa: E402
from engine.project import load_project  # noqa: E402
from engine.stack_settings import load_stack_settings  # noqa: E402
from infra.aws.github_policies import DEPLOY, PREVIEW  # noqa: E402
from infra.aws.naming import Names  # noqa: E402

ROLES = {"preview": PREVIEW, "deploy": DEPLOY}
_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,128}", re.ASCII)


class NoTarget(Exception):
    """The stack's file does not say where a workflow could deploy it; the text says what is missing."""


def main(arguments: list[str] | None = None) -> int:
    """Prints NAME=VALUE lines and returns the exit code: 0, or 2 where the stack's file says too little."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--role", required=True, help="preview, deploy, or the ARN of a role")
    parser.add_argument("--backend", default="", help="where the state is, for a stack that names no state_bucket")
    asked = parser.parse_args(arguments)
    try:
        target = find_target(asked.stack, asked.role, asked.backend, os.environ.get("GITHUB_REPOSITORY", ""))
    except (NoTarget, EngineError) as error:
        print(f"deployment_target: {error}", file=sys.stderr)
        return 2
    for name, value in target.items():
        print(f"{name}={value}")
    return 0


def find_target(stack: str, role: str, backend: str, repository: str, folder: Path = ROOT) -> dict[str, str]:
    """Account, region, role and state of a stack. Raises NoTarget and EngineError.

    :param role: `preview`, `deploy`, or the ARN of a role that the stack does not make.
    :param backend: Where the state is, where the stack's file names no bucket for it.
    :param repository: The repository that asks, as OWNER/NAME.
    """
    project = load_project(folder)
    settings = load_stack_settings(project, stack)
    file = settings.file.name
    if not settings.file.is_file():
        raise NoTarget(f"there is no {file}")
    if settings.config.get(f"{project.name}:cloud") != "aws":
        raise NoTarget(f"{file}: {project.name}:cloud is not aws, and the workflows deploy to no other cloud yet")
    clouds = _mapping(settings.config.get(f"{project.name}:aws"))
    account, region = clouds.get("account_id"), settings.config.get("aws:region")
    if not isinstance(account, str) or not re.fullmatch(r"[0-9]{12}", account):
        raise NoTarget(f"{file}: account_id in {project.name}:aws must be the account's twelve digits, as text")
    if not isinstance(region, str) or not re.fullmatch(r"[a-z0-9-]{5,30}", region):
        raise NoTarget(f"{file}: aws:region must be a region such as eu-west-1")
    github = _mapping(_mapping(clouds.get("identity")).get("github"))
    if role in ROLES:
        if github.get("repository", "").lower() != repository.lower():
            where = f"repository in identity.github of {project.name}:aws"
            named = github.get("repository") or "empty"
            raise NoTarget(
                f"{file}: {where} is {named}, and this is {repository or 'no workflow'}: it has no role for it"
            )
        role = Names(project.name, stack, account, region).role_arn(ROLES[role])
    else:
        matched = _ARN.fullmatch(role)
        if matched is None:
            shown = f"'{role}'" if role else "empty: set AWS_ROLE_ARN in the environment of that name on GitHub"
            raise NoTarget(f"the role is {shown}; it must be preview, deploy or the ARN of an IAM role")
        if matched[1] != account:
            raise NoTarget(f"{role} is not in account {account}, in which {file} deploys")
    bucket = github.get("state_bucket", "")
    backend = f"s3://{bucket}?region={region}&awssdk=v2" if bucket else backend
    if not re.fullmatch(r"[a-z0-9]+://[\x21-\x7e]+", backend):
        raise NoTarget(
            f"where the state is, nobody says: set state_bucket in identity.github of {file}, or the variable "
            "PULUMI_BACKEND_URL on GitHub, such as s3://my-state?region=eu-west-1"
        )
    return {"account": account, "region": region, "role": role, "backend": backend}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    sys.exit(main())

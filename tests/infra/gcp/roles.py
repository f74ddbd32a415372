"""The permissions of Google's roles that matter to the tests: what each role lets its holder ask for.

From IAM, "Roles and permissions" of Cloud Storage, as of August 2026; without folders, which these buckets have not.
"""

from collections.abc import Iterator

from tests.infra.gcp.conditions import Request, holds
from tests.infra.recorder import Registered

_READS = {"storage.objects.get", "storage.objects.list"}
_MAKES = {
    "storage.multipartUploads.abort",
    "storage.multipartUploads.create",
    "storage.multipartUploads.listParts",
    "storage.objects.create",
    "storage.objects.createContext",
}
PERMISSIONS = {
    "roles/storage.objectViewer": _READS,
    "roles/storage.objectCreator": _MAKES,
    "roles/storage.objectUser": {
        *_READS,
        *_MAKES,
        "storage.multipartUploads.list",
        "storage.objects.delete",
        "storage.objects.deleteContext",
        "storage.objects.move",
        "storage.objects.restore",
        "storage.objects.update",
        "storage.objects.updateContext",
    },
}


def may(grants: list[Registered], permission: str, request: Request) -> bool:
    """Whether grants on the resource that a request is about let it through."""
    return any(_lets(grant, permission, request) for grant in grants)


def _lets(grant: Registered, permission: str, request: Request) -> bool:
    if permission not in PERMISSIONS[grant.inputs["role"]]:
        return False
    condition = grant.inputs.get("condition")
    return condition is None or holds(condition["expression"], request)


def expressions(grants: list[Registered]) -> Iterator[str]:
    """The conditions of grants."""
    return (grant.inputs["condition"]["expression"] for grant in grants if "condition" in grant.inputs)

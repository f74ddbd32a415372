"""A provider of the program's own returns a password, and nothing marks it.

Caught by: secrets-outputs-marked
"""

from pulumi import dynamic


class AccountProvider(dynamic.ResourceProvider):
    """Makes accounts of a database."""

    def create(self, props: dict[str, str]) -> dynamic.CreateResult:
        """Returns what it was given."""
        return dynamic.CreateResult("account", props)


class Account(dynamic.Resource):
    """An account of a database."""

    def __init__(self, name: str, user: str, password: str) -> None:
        super().__init__(AccountProvider(), name, {"user": user, "password": password})


Account("trainer", "trainer", "correct horse battery")

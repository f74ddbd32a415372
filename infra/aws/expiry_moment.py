"""The moment at which a stack expires, as conditions of AWS's policies take it."""

from typing import Any

from infra.expiry_moment import moment_in_utc


def until(expires_at: str) -> dict[str, Any]:
    """A condition that no request meets after the moment; none where the stack does not expire.

    Every request has the time of its own. Source: IAM user guide, "AWS global condition context keys",
    aws:CurrentTime.
    """
    return {"DateLessThan": {"aws:CurrentTime": moment_in_utc(expires_at)}} if expires_at else {}

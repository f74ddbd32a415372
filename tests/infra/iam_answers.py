"""What a cloud that enforces IAM says to a request."""

from collections.abc import Callable

from botocore.exceptions import ClientError


def is_allowed(request: Callable[[], object]) -> bool:
    """Whether a request is not refused for want of a right. Raises ClientError for any other refusal."""
    try:
        request()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403"):
            return False
        raise
    return True

"""`yard compare`: clouds and regions compared."""


def compare() -> int:
    """Clouds and regions compared."""
    raise NotImplementedError

"""`yard cost`: what a stack costs."""


def cost() -> int:
    """What a stack costs."""
    raise NotImplementedError

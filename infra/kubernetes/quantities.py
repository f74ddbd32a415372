"""Amounts as Kubernetes writes them, in the form that it keeps them in.

Source: Kubernetes API reference, "Quantity".
"""


def cpus(number: float) -> str:
    """CPUs: 2 is `2`, 1.5 is `1500m`."""
    thousandths = round(number * 1000)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def gib(number: float) -> str:
    """GiB: 2 is `2Gi`, 1.5 is `1536Mi`."""
    mebibytes = round(number * 1024)
    return f"{mebibytes}Mi" if mebibytes % 1024 else f"{mebibytes // 1024}Gi"

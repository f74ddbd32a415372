"""The guide that most rules on cost name."""


def well_architected(*practices: str) -> tuple[str, ...]:
    """Best practices of the AWS Well-Architected Framework, by the numbers of one edition: later ones moved."""
    return tuple(f"AWS Well-Architected 2023-04-10 {practice}" for practice in practices)

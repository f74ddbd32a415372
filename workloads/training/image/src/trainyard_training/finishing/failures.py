"""What can go wrong here without being the end of a run."""


class VariantError(Exception):
    """A variant of the model cannot be made. The message says why; the others are not concerned."""

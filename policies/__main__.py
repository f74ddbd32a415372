"""The policy pack's program: serves its rules, to pulumi or to the embedded engine."""

import gc
import sys
from pathlib import Path


def main() -> None:
    """Serves until the engine ends this process."""
    # What imports make is there to stay; `serve` switches the collector on again.
    gc.disable()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from policies.quick_imports import import_protocol

    import_protocol()
    from policies.catalogue import RULES
    from policies.cost.pricing import book
    from policies.server import serve

    serve("trainyard", RULES, prepare=book)


if __name__ == "__main__":
    main()

"""Mixed-integer programmes, solved by HiGHS in SciPy, with standard output kept for this program's own words.

Where a solution has to be mended, the HiGHS within SciPy 1.17 prints a line of its own debugging past Python, whatever
its options say. That would break what `--json` prints.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scipy.optimize import milp

_STANDARD_OUTPUT = 1


def solve(weights: Any, **programme: Any) -> Any:
    """As `scipy.optimize.milp`, whose arguments and answer these are."""
    with _standard_output_discarded():
        return milp(weights, **programme)


@contextmanager
def _standard_output_discarded() -> Iterator[None]:
    """File descriptor 1 leads nowhere within; nothing else may print to it meanwhile."""
    sys.stdout.flush()
    kept = os.dup(_STANDARD_OUTPUT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STANDARD_OUTPUT)
    os.close(nowhere)
    try:
        yield
    finally:
        # What C has buffered would come out after the descriptor is put back.
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, _STANDARD_OUTPUT)
        os.close(kept)

"""How a benchmark ends without results: one text for the user."""


class BenchError(Exception):
    """Nothing can be measured, or what was measured did not do what it should; the text says why."""


class UnknownBenchmark(BenchError):
    """There is no benchmark of that name."""

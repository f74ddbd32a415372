"""Benchmarks: what `yard bench` measures, how it is reported, and where the results are kept."""

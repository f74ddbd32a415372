"""Spot instances over time: when to run, wait or fall back to on demand so that a deadline is kept; in simulation."""

"""Spot capacity: how often it is taken away, and what that costs a job."""

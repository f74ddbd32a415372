"""Teardown: what speaks against it, and what it has left behind."""

"""Ephemeral training runs: a stack that is there for one training, and the record that stays."""

"""What happens to a stack over its time: changes proposed to it, runs on it, its teardown, and what is left of it."""

"""Rules for resources of any provider."""

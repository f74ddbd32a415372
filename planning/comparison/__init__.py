"""Compares clouds and regions for a piece of work: what each criterion says, how sure that is, and who comes first."""

"""Rules for Amazon Web Services."""

"""Rules for the platform on this machine."""

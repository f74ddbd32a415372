"""The platform on Google Cloud."""

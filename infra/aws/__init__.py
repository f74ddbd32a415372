"""The platform on AWS, one file a subject. Nothing here looks anything up: zones, account and images are settings."""

"""What changes between two revisions of the project, for whoever reviews it: no credential, no secret, no network."""

"""A comparison as people and machines read it: a JSON document, a page, a picture."""

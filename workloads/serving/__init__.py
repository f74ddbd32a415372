"""The inference service: component.py deploys it, image/ is what runs."""

"""The training job: component.py deploys it, image/ is what runs."""

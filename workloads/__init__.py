"""What runs on the platform: one folder a workload, its deployment (component.py) beside what runs (image/)."""

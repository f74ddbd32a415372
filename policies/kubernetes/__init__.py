"""Rules for what runs on any Kubernetes cluster."""

"""What any Kubernetes cluster needs before a workload, and the workloads on it."""

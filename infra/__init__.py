"""What is provisioned: the platform that workloads run on, one folder a cloud."""

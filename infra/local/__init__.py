"""One machine as a cloud: processes instead of nodes, and an AWS-compatible cloud on loopback, as dynamic resources."""

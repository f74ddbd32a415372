"""Machines whose serial port has no firewall.

Caught by: gcp-machine-no-serial-port
"""

import pulumi_gcp as gcp

gcp.compute.ProjectMetadata("project", metadata={"enable-oslogin": "TRUE", "serial-port-enable": "TRUE"})

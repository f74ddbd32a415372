"""A rule of a firewall policy that lets the internet try to log in, without naming a range.

Caught by: gcp-firewall-administration-closed
"""

import pulumi_gcp as gcp

gcp.compute.NetworkFirewallPolicyRule(
    "ssh",
    project="example-training",
    firewall_policy="training",
    priority=1000,
    description="Lets a build machine in.",
    direction="INGRESS",
    action="allow",
    enable_logging=True,
    match={"src_network_scope": "INTERNET", "layer4_configs": [{"ip_protocol": "tcp", "ports": ["22"]}]},
)

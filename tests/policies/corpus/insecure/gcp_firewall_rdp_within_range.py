"""A rule of a firewall policy whose range of ports has RDP in the midst.

Caught by: gcp-firewall-administration-closed
"""

import pulumi_gcp as gcp

policy = gcp.compute.NetworkFirewallPolicy("training", description="Of all networks for training.")
gcp.compute.NetworkFirewallPolicyRule(
    "dashboards",
    firewall_policy=policy.id,
    description="Dashboards.",
    priority=1000,
    direction="INGRESS",
    action="allow",
    enable_logging=True,
    match={
        "src_ip_ranges": ["::/0"],
        "layer4_configs": [{"ip_protocol": "tcp", "ports": ["3000-4000"]}],
    },
)

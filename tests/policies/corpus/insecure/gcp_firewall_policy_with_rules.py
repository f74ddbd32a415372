"""A firewall policy with its rules in it, one of which lets anyone try to log in.

Caught by: gcp-firewall-administration-closed
"""

import pulumi_gcp as gcp

gcp.compute.NetworkFirewallPolicyWithRules(
    "training",
    rules=[
        {
            "priority": 1000,
            "description": "Identity-Aware Proxy.",
            "direction": "INGRESS",
            "action": "allow",
            "enable_logging": True,
            "match": {
                "src_ip_ranges": ["35.235.240.0/20"],
                "layer4_configs": [{"ip_protocol": "tcp", "ports": ["22"]}],
            },
        },
        {
            "priority": 1001,
            "description": "People at home.",
            "direction": "INGRESS",
            "action": "allow",
            "enable_logging": True,
            "match": {"src_ip_ranges": ["0.0.0.0/0"], "layer4_configs": [{"ip_protocol": "tcp", "ports": ["22"]}]},
        },
    ],
)

"""Predictions for everybody by HTTPS, to which plain HTTP only redirects, through a load balancer."""

import pulumi_gcp as gcp

network = gcp.compute.Network("serving", auto_create_subnetworks=False)
gcp.compute.Subnetwork(
    "proxies",
    network=network.id,
    region="europe-west4",
    ip_cidr_range="10.9.0.0/23",
    purpose="REGIONAL_MANAGED_PROXY",
    role="ACTIVE",
)
gcp.compute.Firewall(
    "https",
    network=network.id,
    description="Predictions for everybody.",
    source_ranges=["0.0.0.0/0"],
    target_tags=["front"],
    allows=[
        gcp.compute.FirewallAllowArgs(protocol="tcp", ports=["443"]),
        gcp.compute.FirewallAllowArgs(protocol="icmp"),
    ],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="EXCLUDE_ALL_METADATA"),
)
gcp.compute.Firewall(
    "health",
    network=network.id,
    description="Google's health checks.",
    source_ranges=["35.191.0.0/16", "130.211.0.0/22"],
    allows=[gcp.compute.FirewallAllowArgs(protocol="tcp", ports=["8080"])],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="EXCLUDE_ALL_METADATA"),
)
gcp.compute.Firewall(
    "nothing-else",
    network=network.id,
    description="What no other rule lets in stays out, and is logged.",
    priority=65000,
    source_ranges=["0.0.0.0/0"],
    denies=[gcp.compute.FirewallDenyArgs(protocol="all")],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
)
gcp.compute.Firewall(
    "deny-out",
    network=network.id,
    description="Nothing goes out.",
    direction="EGRESS",
    priority=65534,
    destination_ranges=["0.0.0.0/0"],
    denies=[gcp.compute.FirewallDenyArgs(protocol="all")],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
)
policy = gcp.compute.SSLPolicy("modern", profile="MODERN", min_tls_version="TLS_1_2")
gcp.compute.TargetHttpsProxy(
    "front",
    url_map="projects/example/global/urlMaps/front",
    certificate_map="//certificatemanager.googleapis.com/projects/example/locations/global/certificateMaps/front",
    ssl_policy=policy.id,
)
to_tls = gcp.compute.URLMap("to-tls", default_url_redirect={"https_redirect": True, "strip_query": False})
redirect = gcp.compute.TargetHttpProxy("to-tls", url_map=to_tls.id)
gcp.compute.GlobalForwardingRule(
    "to-tls", target=redirect.id, port_range="80", load_balancing_scheme="EXTERNAL_MANAGED"
)

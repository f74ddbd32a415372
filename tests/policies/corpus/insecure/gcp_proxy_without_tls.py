"""Predictions that a load balancer sends in clear over the internet.

Caught by: gcp-proxy-strong-tls
"""

import pulumi_gcp as gcp

urls = gcp.compute.URLMap(
    "front", default_service="projects/example-serving/global/backendServices/front", project="example-serving"
)
proxy = gcp.compute.TargetHttpProxy("front", url_map=urls.id, project="example-serving")
gcp.compute.GlobalForwardingRule(
    "front",
    project="example-serving",
    target=proxy.id,
    port_range="80",
    load_balancing_scheme="EXTERNAL_MANAGED",
)

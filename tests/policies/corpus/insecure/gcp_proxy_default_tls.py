"""A load balancer with Google's default, which speaks TLS 1.0.

Caught by: gcp-proxy-strong-tls
"""

import pulumi_gcp as gcp

gcp.compute.TargetHttpsProxy(
    "front",
    url_map="projects/example/global/urlMaps/front",
    ssl_certificates=["projects/example/global/sslCertificates/front"],
)

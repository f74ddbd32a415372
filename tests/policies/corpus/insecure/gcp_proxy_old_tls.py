"""An SSL policy with good ciphers that still allows TLS 1.1.

Caught by: gcp-proxy-strong-tls
"""

import pulumi_gcp as gcp

policy = gcp.compute.SSLPolicy("front", profile="RESTRICTED", min_tls_version="TLS_1_1")
gcp.compute.TargetHttpsProxy(
    "front",
    url_map="projects/example/global/urlMaps/front",
    certificate_map="//certificatemanager.googleapis.com/projects/example/locations/global/certificateMaps/front",
    ssl_policy=policy.id,
)

"""Ways in from outside: an Ingress and a Gateway with TLS, a redirect without, and an internal load balancer."""

import pulumi_kubernetes as k8s

SPACE = {"namespace": "front"}
GATEWAY = "gateway.networking.k8s.io/v1"

k8s.networking.v1.Ingress(
    "catalogue",
    metadata={"name": "catalogue", "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}, **SPACE},
    spec={
        "rules": [{"host": "catalogue.example.com"}],
        "tls": [{"hosts": ["*.example.com"], "secretName": "wildcard"}],
    },
)
k8s.networking.v1.Ingress(
    "internal",
    metadata={
        "name": "internal",
        "annotations": {
            "alb.ingress.kubernetes.io/scheme": "internal",
            "alb.ingress.kubernetes.io/listen-ports": '[{"HTTPS": 443}]',
        },
        **SPACE,
    },
    spec={"ingressClassName": "alb", "rules": [{"host": "internal.example.com"}]},
)
k8s.core.v1.Service(
    "queries",
    metadata={
        "name": "queries",
        "annotations": {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"},
        **SPACE,
    },
    spec={"type": "LoadBalancer", "selector": {"app": "queries"}, "ports": [{"port": 443}]},
)
k8s.core.v1.Service(
    "partners",
    metadata={"name": "partners", **SPACE},
    spec={"type": "LoadBalancer", "loadBalancerSourceRanges": ["198.51.100.0/24"], "ports": [{"port": 443}]},
)
k8s.apiextensions.CustomResource(
    "models",
    api_version=GATEWAY,
    kind="Gateway",
    metadata={"name": "models", **SPACE},
    spec={
        "gatewayClassName": "envoy",
        "listeners": [
            {
                "name": "models",
                "protocol": "HTTPS",
                "port": 443,
                "tls": {"certificateRefs": [{"kind": "Secret", "name": "models"}]},
            },
            {"name": "plain", "protocol": "HTTP", "port": 80},
        ],
    },
)
k8s.apiextensions.CustomResource(
    "redirect",
    api_version=GATEWAY,
    kind="HTTPRoute",
    metadata={"name": "redirect", **SPACE},
    spec={
        "parentRefs": [{"name": "models", "sectionName": "plain"}],
        "rules": [{"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}],
    },
)
k8s.apiextensions.CustomResource(
    "route",
    api_version=GATEWAY,
    kind="HTTPRoute",
    metadata={"name": "route", **SPACE},
    spec={
        "parentRefs": [{"name": "models", "sectionName": "models"}],
        "rules": [{"backendRefs": [{"name": "queries", "port": 443}]}],
    },
)

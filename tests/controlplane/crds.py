"""Which custom resource definitions the control plane knows, and the published module that each comes from.

The versions are those of the charts in infra/kubernetes/charts; of the Gateway API, what Envoy Gateway is built with.
`checksum` is what Go records for a module in go.sum: it covers every file of it. To take a newer version, change the
version, run `go mod download -json MODULE@VERSION` and copy its `Sum`; Kueue's version is the one in go.mod.
"""

from dataclasses import dataclass

KUEUE_MODULE = "sigs.k8s.io/kueue"


@dataclass(frozen=True)
class CrdSource:
    """The definitions of one project."""

    name: str
    """What the project is called here."""
    module: str
    version: str
    """Empty for Kueue, whose module go.mod requires."""
    checksum: str
    files: tuple[str, ...]
    """Paths inside the module."""


CRD_SOURCES = (
    CrdSource(
        name="kueue",
        module=KUEUE_MODULE,
        version="",
        checksum="",
        files=tuple(
            f"config/components/crd/bases/kueue.x-k8s.io_{plural}.yaml"
            for plural in (
                "admissionchecks",
                "clusterqueues",
                "cohorts",
                "localqueues",
                "multikueueclusters",
                "multikueueconfigs",
                "provisioningrequestconfigs",
                "resourceflavors",
                "topologies",
                "workloadpriorityclasses",
                "workloads",
            )
        ),
    ),
    CrdSource(
        name="karpenter",
        module="github.com/aws/karpenter-provider-aws",
        version="v1.14.1",
        checksum="h1:WGtIQTQcxpElYMdWfWuPwaF2+9muR+hYhPZsTtoY8Gs=",
        files=(
            "pkg/apis/crds/karpenter.k8s.aws_ec2nodeclasses.yaml",
            "pkg/apis/crds/karpenter.sh_nodeclaims.yaml",
            "pkg/apis/crds/karpenter.sh_nodepools.yaml",
        ),
    ),
    CrdSource(
        name="keda",
        module="github.com/kedacore/keda/v2",
        version="v2.20.2",
        checksum="h1:SR60v8uIcelbveS8n/1jcl8tLdBBIbHMxmdOHw8tKqA=",
        files=(
            "config/crd/bases/keda.sh_clustertriggerauthentications.yaml",
            "config/crd/bases/keda.sh_scaledobjects.yaml",
            "config/crd/bases/keda.sh_triggerauthentications.yaml",
        ),
    ),
    CrdSource(
        name="gateway",
        module="sigs.k8s.io/gateway-api",
        version="v1.6.1",
        checksum="h1:mock6phZbI6rvZerwrVNk7hVNymQgHo+6sJ81Ia7ftY=",
        files=(
            "config/crd/standard/gateway.networking.k8s.io_backendtlspolicies.yaml",
            "config/crd/standard/gateway.networking.k8s.io_gatewayclasses.yaml",
            "config/crd/standard/gateway.networking.k8s.io_gateways.yaml",
            "config/crd/standard/gateway.networking.k8s.io_grpcroutes.yaml",
            "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
            "config/crd/standard/gateway.networking.k8s.io_referencegrants.yaml",
        ),
    ),
    CrdSource(
        name="prometheus",
        module="github.com/prometheus-operator/prometheus-operator",
        version="v0.85.0",
        checksum="h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        files=(
            "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        ),
    ),
)

CRD_GROUPS = tuple(source.name for source in CRD_SOURCES)
"""What the projects are called here."""

"""Cases of the rules against paying by the hour for what nobody uses."""

from typing import Any

from policies.cases import Cases, made
from policies.cost import waste
from policies.cost.examples import CLUSTER, node_group
from policies.cost.pools import NVIDIA
from policies.resources import Resource

ADDRESS = made(waste.ADDRESS, "out", {"domain": "vpc"})
BALANCER = made("aws:lb/loadBalancer:LoadBalancer", "front", {"loadBalancerType": "network"})
SERVING = node_group(["g5.xlarge"], pool="serving", capacity="ON_DEMAND", most=4)
SCALER, SCALED_OBJECT = waste.AUTOSCALERS[0], waste.AUTOSCALERS[2]


def gateways(count: int) -> list[Resource]:
    """So many NAT gateways."""
    return [made(waste.NAT, f"nat-{number}") for number in range(count)]


def private_endpoint(number: int) -> Resource:
    """An endpoint of Private Service Connect for Google's own services."""
    return made(waste.FORWARDING_RULES[1], f"google-{number}", {"target": "all-apis", "loadBalancingScheme": ""})


def endpoints(count: int, kind: str = "Interface") -> list[Resource]:
    """So many endpoints in three zones each."""
    return [
        made(waste.ENDPOINT, f"endpoint-{number}", {"vpcEndpointType": kind, "subnetIds": ["a", "b", "c"]})
        for number in range(count)
    ]


def deployment(replicas: int | None = None, gpus: int = 1) -> Resource:
    """A service on GPUs."""
    return made(
        waste.DEPLOYMENT,
        "serving",
        {
            "metadata": {"name": "serving", "namespace": "models"},
            "spec": {
                **({} if replicas is None else {"replicas": replicas}),
                "template": {
                    "spec": {
                        "containers": [{"name": "server", "resources": {"limits": {NVIDIA: gpus} if gpus else {}}}]
                    }
                },
            },
        },
    )


def scaler(type_: str = SCALER, target: str = "serving", **spec: Any) -> Resource:
    """What scales the service."""
    return made(
        type_,
        "serving",
        {
            "metadata": {"namespace": "models"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": target}, **spec},
        },
    )


CASES = (
    Cases(
        waste.nat_gateways,
        passing=[gateways(3), [], [made(waste.CLOUD_NAT, "nat")]],
        failing=[
            (
                gateways(4),
                "4 NAT gateways, 1 more than 3; with its address each costs $36.50 a month: $36.50 too",
            ),
            (
                [made(waste.CLOUD_NAT, f"nat-{number}") for number in range(4)],
                "4 NAT gateways, 1 more than 3; with its address each costs up to $35.77 a month: $35.77 too",
            ),
        ],
    ),
    Cases(
        waste.interface_endpoints,
        passing=[
            endpoints(13),
            endpoints(100, "Gateway"),
            made(waste.ENDPOINT, "s3", {"serviceName": "s3"}),
            [private_endpoint(number) for number in range(41)],
            [made(waste.FORWARDING_RULES[0], f"front-{number}", {"target": "proxy"}) for number in range(50)],
        ],
        failing=[
            ([private_endpoint(number) for number in range(42)], "cost $306.60 a month, $6.60 more than the limit"),
            (endpoints(14), "cost $306.60 a month, $6.60 more than the limit of $300.00."),
        ],
    ),
    Cases(
        waste.address_used,
        passing=[
            [CLUSTER, ADDRESS, made(waste.NAT, "nat", refers={"allocationId": ADDRESS})],
            [CLUSTER, ADDRESS, made(waste.NAT, "nat", refers={"secondaryAllocationIds": ADDRESS})],
            [CLUSTER, ADDRESS, made("aws:ec2/eipAssociation:EipAssociation", "own", refers={"allocationId": ADDRESS})],
            [CLUSTER, ADDRESS, made("aws:lb/loadBalancer:LoadBalancer", "lb", refers={"subnetMappings": ADDRESS})],
            [CLUSTER, made(waste.ADDRESS, "own", {"instance": "i-0abc"})],
            [CLUSTER, made(waste.ADDRESS, "own", {"networkInterface": "eni-0abc"})],
            # Another stack's machines may have it.
            ADDRESS,
        ],
        failing=[
            ([CLUSTER, ADDRESS], "Nothing in the stack uses it, at $3.65 a month."),
            (
                [CLUSTER, ADDRESS, made(waste.NAT, "nat", refers={"allocationId": made(waste.ADDRESS, "other")})],
                "Nothing in the stack uses it",
            ),
        ],
    ),
    Cases(
        waste.load_balancer_used,
        passing=[
            [CLUSTER, BALANCER, made("aws:lb/listener:Listener", "https", refers={"loadBalancerArn": BALANCER})],
            BALANCER,
        ],
        failing=[
            ([CLUSTER, BALANCER], "It has no listener, and costs $16.43 a month."),
            (
                [CLUSTER, made("aws:alb/loadBalancer:LoadBalancer", "front")],
                "It has no listener, and costs $16.43 a month.",
            ),
        ],
    ),
    Cases(
        waste.serving_rests,
        passing=[
            deployment(),
            deployment(2),
            [deployment(8), scaler(minReplicas=2, maxReplicas=8)],
            [deployment(8), scaler(SCALED_OBJECT)],
            deployment(8, gpus=0),
        ],
        failing=[
            (deployment(3), "No autoscaler scales it down, and it keeps 3 replicas of 1 GPUs, 1 more than the limit."),
            (
                [deployment(1), scaler(minReplicas=3)],
                "Its autoscaler keeps 3 replicas of 1 GPUs, 1 more",
            ),
            (
                [deployment(1), scaler(SCALED_OBJECT, minReplicaCount=4), SERVING],
                "2 more than the limit: $1,468.76",
            ),
            ([deployment(3), scaler(target="other", minReplicas=1)], "No autoscaler scales it down"),
            ([deployment(3), node_group()], "1 more than the limit."),
        ],
    ),
)

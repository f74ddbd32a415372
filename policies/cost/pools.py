"""Pools of machines as the rules on capacity see them, whatever cloud or controller they belong to."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from planning.cost import price_gcp_compute
from planning.cost.kubernetes_quantity import quantity_of
from planning.cost.price_aws_compute import INSTANCE, LAUNCH_TEMPLATE, NODE_GROUP
from planning.cost.price_gcp_compute import accelerator_service, bought_as
from planning.cost.price_karpenter import NODE_POOL
from planning.prices.model import Capacity, Cloud
from planning.quantities import BYTES_PER_GIB, HOURS_PER_MONTH
from policies.cost import google_pools
from policies.cost.pricing import book, region_of_stack
from policies.resources import Resource, Stack
from policies.values import as_list, is_text, is_true, known
from policies.values import get as within

KARPENTER_POOL = NODE_POOL
GKE_POOL = price_gcp_compute.NODE_POOL
GCE_INSTANCE = price_gcp_compute.INSTANCE
GROUP = "aws:autoscaling/group:Group"
SPOT_REQUEST = "aws:ec2/spotInstanceRequest:SpotInstanceRequest"
FLEET = "aws:ec2/fleet:Fleet"
SPOT_FLEET = "aws:ec2/spotFleetRequest:SpotFleetRequest"
FLEETS = (FLEET, SPOT_FLEET)
POOL_TYPES = (NODE_GROUP, KARPENTER_POOL, GKE_POOL, GROUP)
"""Pools that grow and shrink."""
_OTHERS = (*FLEETS, SPOT_REQUEST, *google_pools.HOLDERS)
UNMODELLED = (GROUP, *_OTHERS)
"""What has machines for which the cost model has no pricers."""
MACHINE_TYPES = (*POOL_TYPES, INSTANCE, GCE_INSTANCE, *_OTHERS)
_SINGLE = (INSTANCE, GCE_INSTANCE, SPOT_REQUEST)
OF_GOOGLE = (GKE_POOL, GCE_INSTANCE)
POOL_LABEL = "trainyard.dev/pool"
NVIDIA = "nvidia.com/gpu"

Role = Literal["training", "serving", ""]

_ROLES: Mapping[Role, re.Pattern[str]] = {
    "serving": re.compile(r"(?<!re)(?<!ob)serv(e|ing)|infer|predict|endpoint|online", re.IGNORECASE),
    "training": re.compile(r"train(?!yard)|fine-?tun|distributed|batch", re.IGNORECASE),
}
_TELLING = re.compile(r"(^|[/_.-])(pool|role|workload|purpose)$", re.IGNORECASE)
"""Names of labels and tags that tell what a pool is for."""
# A type of EC2 or Compute Engine with GPUs, for those that the price book does not know.
_GPU_FAMILY = re.compile(r"(p\d|g\d|gr\d)[a-z0-9-]*\..+|(a\d+x?|g[2-9])-.+")
# Source: EKS API, CreateNodegroup, capacityType; Karpenter, well-known labels.
_EKS_CAPACITY: Mapping[str, Capacity] = {"ON_DEMAND": "on_demand", "SPOT": "spot", "CAPACITY_BLOCK": "reserved"}
_EKS_DEFAULT_TYPE = "t3.medium"
_KARPENTER_TYPE, _KARPENTER_CAPACITY = "node.kubernetes.io/instance-type", "karpenter.sh/capacity-type"
_KARPENTER_KINDS = ("karpenter.k8s.aws/instance", "eks.amazonaws.com/instance")
"""What labels for kinds of types begin with: Karpenter's own, and those of EKS Auto Mode."""
_KARPENTER_CHOICE = re.compile(rf"({'|'.join(map(re.escape, _KARPENTER_KINDS))})-(family|category|gpu-.+)")
_SPECIFICATION = ("launchTemplate", "launchTemplateSpecification")
_LAUNCH_CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
_RUNNING = (*MACHINE_TYPES, "aws:eks/cluster:Cluster")
_ZONES_OF_A_REGION = 3
"""Zones in which GKE puts the nodes of a regional cluster, unless told. Source: GKE, "Regional clusters"."""


@dataclass(frozen=True)
class Pool:
    """A pool of machines, or one machine. What is unknown raises Undecided where it is asked for."""

    resource: Resource
    stack: Stack
    holder: Resource | None = None
    """The resource of the stack that has these machines, where they have none of their own."""

    @property
    def told_by(self) -> Resource:
        """The resource of the stack that is to be changed."""
        return self.holder or self.resource

    @property
    def cloud(self) -> Cloud:
        """Whose machines they are."""
        return "gcp" if self.resource.type in OF_GOOGLE else "aws"

    @property
    def region(self) -> str:
        """Where they are, as far as known."""
        if self.cloud == "aws":
            return region_of_stack(self.stack)
        place = self.resource.get("location", default=self.resource.get("zone"))
        return "-".join(known(place).split("-")[:2]) if place is not None else region_of_stack(self.stack)

    def template(self) -> Resource | None:
        """The launch template or configuration that its nodes are started from."""
        if self.resource.get("launchConfiguration") is not None:
            configurations = self.stack.of(_LAUNCH_CONFIGURATION)
            return next((each for each in configurations if self.resource.refers_to(each, "launchConfiguration")), None)
        if self.resource.type in FLEETS:
            templates = self.stack.of(LAUNCH_TEMPLATE)
            return next((each for each in templates if self.resource.refers_to(each, "launchTemplateConfigs")), None)
        path: tuple[str, ...] = ("launchTemplate",)
        keys = ("id", "name")
        if self.resource.get("mixedInstancesPolicy") is not None:
            path, keys = ("mixedInstancesPolicy", *_SPECIFICATION), ("launchTemplateId", "launchTemplateName")
        if self.resource.get(*path) is None:
            return None
        for each in self.stack.of(LAUNCH_TEMPLATE):
            names = each.identifiers
            own = [self.resource.get(*path, key) for key in keys]
            if self.resource.refers_to(each, *path) or any(isinstance(name, str) and name in names for name in own):
                return each
        return None

    def types(self) -> Sequence[str]:
        """Types of machine that it may get; empty where it may get any."""
        get = self.resource.get
        if self.resource.type == GKE_POOL:
            return [known(get("nodeConfig", "machineType", default="e2-medium"))]
        if self.resource.type == GCE_INSTANCE:
            return [str(known(get("machineType", default=""))).rpartition("/")[2]]
        if self.resource.type == KARPENTER_POOL:
            return self._required(_KARPENTER_TYPE) or self._of_kinds()
        named = get("instanceTypes") if self.resource.type == NODE_GROUP else get("instanceType")
        if self.resource.type == GROUP:
            overrides = as_list(get("mixedInstancesPolicy", "launchTemplate", "overrides"))
            named = _types_told(overrides)
        if self.resource.type in FLEETS:
            named = _types_told(self._launched())
        if named is None:
            template = self.template()
            named = template.get("instanceType") if template else None
        if named is None and self.resource.type == NODE_GROUP:
            named = _EKS_DEFAULT_TYPE
        return [known(each) for each in as_list(named) if each is not None]

    def capacity(self) -> Capacity:
        """How it is bought."""
        get = self.resource.get
        if self.resource.type == GKE_POOL:
            node = get("nodeConfig", default={})
            if is_true(within(node, "spot")) or is_true(within(node, "preemptible")):
                return "spot"
            if is_true(within(node, "flexStart")):
                return "flex_start"
            affinity = known(within(node, "reservationAffinity", "consumeReservationType"))
            return "reserved" if affinity == "SPECIFIC_RESERVATION" else "on_demand"
        if self.resource.type == GCE_INSTANCE:
            model = known(get("scheduling", "provisioningModel", default="STANDARD"))
            if model == "FLEX_START":
                return "flex_start"
            return "spot" if model == "SPOT" or is_true(get("scheduling", "preemptible")) else "on_demand"
        if self.resource.type == KARPENTER_POOL:
            # The order in which Karpenter prefers them.
            wanted = self._required(_KARPENTER_CAPACITY) or ["on-demand"]
            return "reserved" if "reserved" in wanted else "spot" if "spot" in wanted else "on_demand"
        if self.resource.type == INSTANCE:
            return _of_market(get("instanceMarketOptions", "marketType"))
        if self.resource.type in (SPOT_REQUEST, SPOT_FLEET):
            return "spot"
        if self.resource.type == FLEET:
            return _of_market(get("targetCapacitySpecification", "defaultTargetCapacityType"))
        if self.resource.type == GROUP:
            if get("mixedInstancesPolicy") is not None:
                share = get("mixedInstancesPolicy", "instancesDistribution", "onDemandPercentageAboveBaseCapacity")
                return "spot" if known(share) == 0 else "on_demand"
            template = self.template()
            if template is not None and template.type == _LAUNCH_CONFIGURATION:
                return "spot" if is_text(template.get("spotPrice")) else "on_demand"
            return _of_market(template.get("instanceMarketOptions", "marketType") if template else None)
        return _EKS_CAPACITY.get(known(get("capacityType", default="ON_DEMAND")), "on_demand")

    def fewest(self) -> float:
        """Nodes that are always there."""
        if self.resource.type == GKE_POOL:
            return self._gke_count("minNodeCount", "totalMinNodeCount")
        if self.resource.type == KARPENTER_POOL:
            return 0.0
        if self.resource.type in _SINGLE:
            return 1.0
        if self.resource.type in FLEETS:
            return self._fleet_size()
        if self.resource.type == GROUP:
            return _number(self.resource.get("minSize"))
        return _number(self.resource.get("scalingConfig", "minSize"))

    def most(self) -> float | None:
        """Nodes that there may be; None where nothing limits them."""
        if self.resource.type == GKE_POOL:
            return self._gke_count("maxNodeCount", "totalMaxNodeCount")
        if self.resource.type in _SINGLE:
            return 1.0
        if self.resource.type in FLEETS:
            return self._fleet_size()
        if self.resource.type == NODE_GROUP:
            return _number(self.resource.get("scalingConfig", "maxSize"))
        if self.resource.type == GROUP:
            return _number(self.resource.get("maxSize"))
        counts = [self._karpenter_nodes(each) for each in self.types() or ("",)]
        return None if None in counts else max(each for each in counts if each is not None)

    def most_gpus(self) -> float | None:
        """GPUs that it may have at full size; None where nothing limits them."""
        if self.resource.type != KARPENTER_POOL:
            nodes = self.most()
            return None if nodes is None else nodes * self.gpus()
        total = 0.0
        for each in self.types():
            if self._gpus_of(each):
                nodes = self._karpenter_nodes(each)
                if nodes is None:
                    return None
                total = max(total, nodes * self._gpus_of(each))
        return total

    def gpus(self) -> int:
        """GPUs of a node, of several types the most; 1 where it is known to have some, and not how many."""
        count = max((self._gpus_of(each) for each in self.types()), default=0)
        attached = sum(int(_number(each.get("count"))) for each in self._accelerators())
        return max(count, attached)

    def may_have_any_gpu(self) -> bool:
        """Whether it is a pool of Karpenter that is told nothing by which machines with GPUs are chosen or left out."""
        if self.resource.type != KARPENTER_POOL:
            return False
        keys = (known(within(each, "key")) for each in self._requirements())
        return not any(key == _KARPENTER_TYPE or _KARPENTER_CHOICE.fullmatch(str(key)) for key in keys)

    def gpu_limit(self) -> float | None:
        """GPUs that all nodes of a pool of Karpenter may have by its limits; None where none is about GPUs."""
        return quantity_of(known(self.resource.get("spec", "limits", NVIDIA)))

    def models(self) -> list[str]:
        """Models of its GPUs as the price book calls them, or the type of machine where the book has none."""
        found = [_model(str(known(each.get("type")))) for each in self._accelerators()]
        for type_ in self.types():
            facts = book().type_of(self.cloud, type_)
            if facts is not None and facts.gpu:
                found.append(facts.gpu)
            elif facts is None and _GPU_FAMILY.fullmatch(type_):
                found.append(type_)
        return list(dict.fromkeys(found))

    def node_usd_per_hour(self, capacity: Capacity | None = None) -> float | None:
        """What an hour of its dearest type costs; None where the book has no price of it."""
        bought = capacity or self.capacity()
        if self.cloud == "gcp":
            return self._google_usd_per_hour(bought)
        prices = [book().price_of(self.cloud, self.region, each, bought) for each in self.types()]
        return max((price.usd_per_hour for price in prices if price), default=None)

    def usd_per_hour(self) -> float:
        """What an hour costs in which all nodes that it may have run, each of its dearest type; 0 without a price."""
        return (self.node_usd_per_hour() or 0.0) * (self.most() or 0.0)

    def fixed_usd_per_month(self) -> float:
        """What a month costs of the nodes that are always there, each of its dearest type; 0 without a price."""
        return HOURS_PER_MONTH * (self.node_usd_per_hour() or 0.0) * self.fewest()

    def label(self) -> str:
        """By which pods name it; empty where nothing does."""
        get = self.resource.get
        path = {
            GKE_POOL: ("nodeConfig", "labels"),
            KARPENTER_POOL: ("spec", "template", "metadata", "labels"),
        }.get(self.resource.type, ("labels",))
        found = known(get(*path, POOL_LABEL))
        return found if isinstance(found, str) else ""

    def role(self) -> Role:
        """What it is for, as far as its name, its labels and its tags tell."""
        for text in self._telling_texts():
            for role, words in _ROLES.items():
                if words.search(text):
                    return role
        return ""

    def mark(self, name: str) -> Any:
        """A tag or label of the pool itself, or (Karpenter) an annotation."""
        if self.resource.type == KARPENTER_POOL:
            metadata = self.resource.get("metadata")
            return within(metadata, "annotations", name, default=within(metadata, "labels", name))
        if self.resource.type == GKE_POOL:
            return self.resource.get(
                "nodeConfig", "resourceLabels", name, default=self.resource.get("nodeConfig", "labels", name)
            )
        if self.resource.type == GCE_INSTANCE:
            return self.resource.get("labels", name)
        return _by_name(self.resource.get("tags")).get(name)

    def _google_usd_per_hour(self, capacity: Capacity) -> float | None:
        """The machine with the GPUs that are attached to it, where its type does not come with them."""
        machine = self.types()[0]
        paid, _ = bought_as(machine, capacity)
        price = book().price_of("gcp", self.region, machine, paid)
        if price is None:
            return None
        usd = price.usd_per_hour
        for each in () if self._gpus_of(machine) else self._accelerators():
            service = accelerator_service(str(known(each.get("type"))), paid)
            tiers = book().tiers_of("gcp", self.region, service) if service else ()
            if not tiers:
                return None
            usd += _number(each.get("count")) * tiers[0].usd_per_unit
        return usd

    def _requirements(self) -> Sequence[Any]:
        return as_list(self.resource.get("spec", "template", "spec", "requirements"))

    def _required(self, *keys: str) -> list[str] | None:
        """The values of a requirement of Karpenter that names those that are wanted, by one of these labels."""
        for each in self._requirements():
            if known(within(each, "key")) in keys and known(within(each, "operator")) == "In":
                return [value for value in as_list(within(each, "values")) if known(value) is not None]
        return None

    def _of_kinds(self) -> list[str]:
        """The types of the families, categories and GPUs that Karpenter may take from; empty where it is told none."""
        families, categories, gpus = (
            self._required(*(f"{label}-{kind}" for label in _KARPENTER_KINDS))
            for kind in ("family", "category", "gpu-name")
        )
        if families is None and categories is None and gpus is None:
            return []
        found = []
        for each in book().types:
            family = each.name.partition(".")[0]
            # The category is the letters before the generation: `g` of g6e. Source: Karpenter, well-known labels.
            category = re.match("[a-z]*", family)
            if (
                each.cloud == "aws"
                and (families is None or family in families)
                and (categories is None or (category and category[0] in categories))
                and (gpus is None or each.gpu.casefold() in gpus)
            ):
                found.append(each.name)
        known_families = {name.partition(".")[0] for name in found}
        return found + [f"{family}.any" for family in families or () if family not in known_families]

    def _karpenter_nodes(self, type_: str) -> float | None:
        """How many nodes of a type the limits of a pool of Karpenter allow; None where none of them is about these."""
        limits = known(self.resource.get("spec", "limits", default={}))
        facts = book().type_of(self.cloud, type_) if type_ else None
        of_node = {
            "nodes": 1.0,
            NVIDIA: self._gpus_of(type_) if type_ else 0.0,
            "cpu": facts.vcpus if facts else 0.0,
            "memory": (facts.memory_gib or 0.0) * BYTES_PER_GIB if facts else 0.0,
        }
        allowed = ((quantity_of(known(limits.get(name))), each) for name, each in of_node.items())
        return min((limit // each for limit, each in allowed if limit is not None and each), default=None)

    def _launched(self) -> list[Any]:
        """What a fleet may launch, as far as it says so beside its template."""
        configs = as_list(self.resource.get("launchTemplateConfigs"))
        overrides = [each for config in configs for each in as_list(within(config, "overrides"))]
        return [*as_list(self.resource.get("launchSpecifications")), *overrides]

    def _fleet_size(self) -> float:
        """Machines that fill a fleet's capacity, where each counts for as little as one of them does.

        Source: EC2 API, CreateFleet, WeightedCapacity: 1 where nothing is said.
        """
        get = self.resource.get
        capacity = get("targetCapacity", default=get("targetCapacitySpecification", "totalTargetCapacity"))
        weights = (known(within(each, "weightedCapacity", default=1)) for each in self._launched())
        return math.ceil(_number(capacity) / min((float(each) for each in weights), default=1.0))

    def _gpus_of(self, type_: str) -> int:
        facts = book().type_of(self.cloud, type_)
        return facts.gpu_count if facts is not None else int(bool(_GPU_FAMILY.fullmatch(type_)))

    def _accelerators(self) -> Iterator[Mapping[str, Any]]:
        path = {GKE_POOL: ("nodeConfig", "guestAccelerators"), GCE_INSTANCE: ("guestAccelerators",)}
        for each in as_list(self.resource.get(*path[self.resource.type])) if self.resource.type in path else ():
            yield known(each) or {}

    def _gke_count(self, for_each_zone: str, total: str) -> float:
        scaling = self.resource.get("autoscaling")
        if scaling is None:
            nodes = self.resource.get("nodeCount", default=self.resource.get("initialNodeCount", default=0))
            return _number(nodes) * self._zones()
        if within(scaling, total) is not None:
            return _number(within(scaling, total))
        return _number(within(scaling, for_each_zone, default=0)) * self._zones()

    def _zones(self) -> int:
        named = self.resource.get("nodeLocations")
        if named is not None:
            return len(as_list(named))
        place = self.resource.get("location")
        # A zone ends in a letter: europe-west4-a.
        return _ZONES_OF_A_REGION if is_text(place) and place.count("-") == 1 else 1

    def _telling_texts(self) -> Iterator[str]:
        get = self.resource.get
        yield self.resource.name
        for named in (get("nodeGroupName"), get("name"), get("metadata", "name")):
            if isinstance(named, str):
                yield named
        for labels in (
            get("labels"),
            get("tags"),
            get("nodeConfig", "labels"),
            get("spec", "template", "metadata", "labels"),
        ):
            for name, value in _by_name(labels).items():
                if _TELLING.search(name) and is_text(value):
                    yield value


def pools_of(stack: Stack, *types: str) -> list[Pool]:
    """The pools of a stack, or those that resources of these types are or have."""
    return [pool for each in stack.of(*(types or POOL_TYPES)) for pool in pools_in(each, stack)]


def _types_told(overrides: Sequence[Any]) -> list[Any] | None:
    """The types that overrides name; None where they name none, and change other things of the template alone.

    One that tells requirements in place of a type may be any machine that meets them.
    """
    told = [type_ for each in overrides if (type_ := within(each, "instanceType")) is not None]
    by_requirements = any(within(each, "instanceRequirements") is not None for each in overrides)
    return told if told or by_requirements else None


def pools_in(resource: Resource, stack: Stack) -> list[Pool]:
    """The pools that a resource is or has; what is not known of it is noted with the stack."""
    return [pool for pool in _pools_in(resource, stack) if pool is not None]


def undescribed(stack: Stack) -> list[Resource]:
    """The resources that start machines of which nothing in the stack tells what they are.

    Those for which the model has no pricers; of others, the model itself says what is unknown.
    """
    return [each for each in stack.of(*UNMODELLED) if None in _pools_in(each, stack)]


def _pools_in(resource: Resource, stack: Stack) -> list[Pool | None]:
    """The same, with None for machines that nothing in the stack describes."""
    found: list[Pool | None] = []
    if resource.type not in google_pools.HOLDERS:
        pool = Pool(resource, stack)
        with stack.apart():
            found.append(None if resource.type in UNMODELLED and not pool.types() else pool)
        return found or [pool]
    with stack.apart():
        found.extend(
            Pool(each, stack, resource) if each else None for each in google_pools.node_pools_of(resource, stack)
        )
    return found


def runs_machines(stack: Stack) -> bool:
    """Whether a stack has a cluster or a machine, and so is more than a part for others to use."""
    return bool(stack.of(*_RUNNING))


def unmodelled_usd_per_hour(stack: Stack) -> float:
    """What all machines that the cost model has no pricers for may cost an hour, as far as the book has prices.

    Raises Undecided where a preview does not know how many there are.
    """
    return sum(pool.usd_per_hour() for pool in pools_of(stack, *UNMODELLED))


def unmodelled_usd_per_month(stack: Stack) -> float:
    """What those of them that are always there cost a month. Raises Undecided likewise."""
    return sum(pool.fixed_usd_per_month() for pool in pools_of(stack, *UNMODELLED))


def _by_name(tags: Any) -> Mapping[str, Any]:
    """Tags by their names. An Auto Scaling group has a list, with whether its machines carry each of them too."""
    if isinstance(known(tags), list):
        return {str(known(within(each, "key"))): within(each, "value") for each in tags}
    return tags or {}


def _of_market(market: Any) -> Capacity:
    return "spot" if known(market) == "spot" else "reserved" if market == "capacity-block" else "on_demand"


def _number(value: Any) -> float:
    found = known(value)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else 0.0


def _model(accelerator: str) -> str:
    """The price book's name of a GPU that Google calls `nvidia-tesla-t4` or `nvidia-h100-80gb`."""
    plain = accelerator.removeprefix("nvidia-").removeprefix("tesla-")
    return "RTX PRO 6000" if plain.startswith("rtx-pro-6000") else plain.partition("-")[0].upper()

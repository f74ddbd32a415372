"""All rules of the pack, in the order in which they are listed."""

from policies.aws import cluster as aws_cluster
from policies.aws import cluster_addons as aws_cluster_addons
from policies.aws import identity as aws_identity
from policies.aws import identity_users as aws_identity_users
from policies.aws import keys as aws_keys
from policies.aws import logs as aws_logs
from policies.aws import messages as aws_messages
from policies.aws import network as aws_network
from policies.aws import network_endpoints as aws_network_endpoints
from policies.aws import network_load_balancers as aws_network_load_balancers
from policies.aws import network_security_groups as aws_network_security_groups
from policies.aws import nodes as aws_nodes
from policies.aws import nodes_volumes as aws_nodes_volumes
from policies.aws import registry as aws_registry
from policies.aws import schedules as aws_schedules
from policies.aws import secret_stores as aws_secret_stores
from policies.aws import storage as aws_storage
from policies.aws import storage_policies as aws_storage_policies
from policies.aws import storage_protection as aws_storage_protection
from policies.aws import trust as aws_trust
from policies.aws import trust_teams as aws_trust_teams
from policies.cost import capacity, ceilings, lifetime, ownership, storage_waste, waste
from policies.gcp import cluster as gcp_cluster
from policies.gcp import identity as gcp_identity
from policies.gcp import identity_scope as gcp_identity_scope
from policies.gcp import keys as gcp_keys
from policies.gcp import network as gcp_network
from policies.gcp import network_egress as gcp_network_egress
from policies.gcp import nodes as gcp_nodes
from policies.gcp import services as gcp_services
from policies.gcp import storage as gcp_storage
from policies.general import secrets, secrets_environment
from policies.kubernetes import (
    accounts,
    bindings,
    charts,
    containers,
    exposure,
    images,
    namespaces,
    pods,
    privileges,
    roles,
    scheduling,
    teams,
)
from policies.kubernetes import network as kubernetes_network
from policies.local import identity as local_identity
from policies.local import processes
from policies.local import storage as local_storage
from policies.rules import Rule

MODULES = (
    aws_network,
    aws_network_security_groups,
    aws_network_endpoints,
    aws_network_load_balancers,
    aws_storage,
    aws_storage_protection,
    aws_storage_policies,
    aws_keys,
    aws_identity,
    aws_identity_users,
    aws_trust,
    aws_trust_teams,
    aws_cluster,
    aws_cluster_addons,
    aws_nodes,
    aws_nodes_volumes,
    aws_registry,
    aws_messages,
    aws_schedules,
    aws_logs,
    gcp_network,
    gcp_network_egress,
    gcp_storage,
    gcp_keys,
    gcp_identity,
    gcp_identity_scope,
    gcp_cluster,
    gcp_nodes,
    gcp_services,
    namespaces,
    kubernetes_network,
    exposure,
    pods,
    privileges,
    containers,
    images,
    accounts,
    roles,
    bindings,
    charts,
    scheduling,
    teams,
    secrets,
    secrets_environment,
    aws_secret_stores,
    local_storage,
    local_identity,
    processes,
    ceilings,
    capacity,
    lifetime,
    waste,
    storage_waste,
    ownership,
)

RULES: tuple[Rule, ...] = tuple(rule for module in MODULES for rule in module.RULES)

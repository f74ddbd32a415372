"""What breaks each rule for GPUs and queues, and for what keeps teams apart."""

from policies.kubernetes import scheduling, teams
from policies.kubernetes.manifests import JOB
from policies.kubernetes.network import NETWORK_POLICIES
from policies.kubernetes.roles import CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

POD = ("spec", "template", "spec")
TRAINING = "trainyard-training"
TEAMS = "corpus/kubernetes_teams"

MUTATIONS: dict[Rule, Mutation] = {
    scheduling.gpu_nodes_for_gpu_pods: Mutation(
        "dev", setting(JOB, [{"operator": "Exists"}], *POD, "tolerations", name="trainyard-training-loader")
    ),
    scheduling.gpu_steady_resources: Mutation(
        "dev", setting(JOB, "1Gi", *POD, "containers", 0, "resources", "requests", "memory", name=TRAINING)
    ),
    scheduling.gpu_job_queued: Mutation(
        "dev", without(JOB, "metadata", "labels", scheduling.QUEUE_LABEL, name=TRAINING)
    ),
    teams.workload_own_objects: Mutation(
        TEAMS, setting(JOB, "speech-training", *POD, "serviceAccountName", name="vision-training")
    ),
    teams.job_own_queue: Mutation(
        "dev", setting(JOB, "on-request", "metadata", "labels", scheduling.QUEUE_LABEL, name=TRAINING)
    ),
    teams.team_own_members: Mutation(
        TEAMS, setting(ROLE_BINDINGS[0], "trainyard:speech", "subjects", 0, "name", name="vision-members")
    ),
    teams.team_no_cluster_rights: Mutation("dev", setting(CLUSTER_ROLE_BINDINGS[0], "view", "roleRef", "name")),
    teams.team_own_network: Mutation(
        TEAMS,
        setting(
            NETWORK_POLICIES[0],
            "speech",
            *("spec", "ingress", 0, "from", 1, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name"),
            name="vision-metrics",
        ),
    ),
}

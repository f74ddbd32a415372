"""What a stack on Google Cloud may leave, planted in the stand-in: one of each kind, as GKE or a destroy leaves it."""

import hashlib
import json
from typing import Any

from infra.gcp.naming import Names
from tests.lifecycle.teardown.google_stand_in import BILLING, NUMBER, PROJECT, REGION, ZONE, GoogleStandIn

IN_REGION, IN_ZONE = f"regions/{REGION}", f"zones/{ZONE}"
SYSTEM_POOL, GPU_POOL = "system-1a2b3c4", "gpu-training-1a2b3c4"
"""What GKE calls the pools: as the platform does, with an end by Pulumi's provider."""
_HERE = f"projects/{PROJECT}/locations/{REGION}"


def node_group(cluster: str, pool: str, end: str) -> str:
    """How GKE begins the names of a pool's nodes: names that have more than 32 characters together are cut."""
    return f"gke-{cluster[: max(16, 32 - len(pool))]}-{pool[: max(16, 32 - len(cluster))]}-{end}"


class GoogleLeaks:
    """Leaves of one stack everything that the audit knows; `planted` tells what, by kind and id."""

    def __init__(self, cloud: GoogleStandIn, stack: str) -> None:
        self.cloud, self.stack, self.cluster = cloud, stack, f"trainyard-{stack}"
        self.labels = {"project": "trainyard", "stack": stack}
        self.node_labels = {"goog-k8s-cluster-name": self.cluster, "goog-k8s-cluster-location": ZONE}
        self.planted: set[tuple[str, str]] = set()
        self.going: set[tuple[str, str]] = set()
        self.retained: set[tuple[str, str]] = set()
        digest = hashlib.sha256(stack.encode()).hexdigest()
        self.end, self.uid = digest[:8], digest[:16]
        self.network = self.subnet = ""
        self.key = f"{_HERE}/keyRings/{self.cluster}-gcp-keys-1a2b3c4/cryptoKeys/gcp-keys-volumes-{self.end[:7]}"

    def plant(self) -> "GoogleLeaks":
        """Plants all of it."""
        for step in (
            self._network,
            self._nodes,
            self._machine,
            self._disks,
            self._load_balancers,
            self._addresses,
            self._names,
            self._records,
            self._stores,
            self._keys,
            self._identities,
        ):
            step()
        return self

    def _note(self, kind: str, name: str) -> str:
        self.planted.add((kind, name))
        return name

    def _compute(self, place: str, kind: str, words: str, name: str, **fields: Any) -> str:
        return self.cloud.compute(place, kind, self._note(words, name), **fields)

    def _network(self) -> None:
        """The network of the stack, which its destroy could not delete, and one of a pool's GPUs."""
        self.network = self._compute("global", "networks", "network", self.cluster)
        self._compute("global", "networks", "network", f"{self.cluster}-training-gpu-0")
        inside = {"network": self.network}
        self.subnet = self._compute(IN_REGION, "subnetworks", "subnet", f"{self.cluster}-nodes", **inside)
        nat = {"name": f"{self.cluster}-nat", "natIpAllocateOption": "AUTO_ONLY"}
        self._compute(IN_REGION, "routers", "router with its NAT", f"{self.cluster}-nat", nats=[nat], **inside)
        self._compute("global", "routes", "route", f"{self.cluster}-internet", destRange="0.0.0.0/0", **inside)
        # One of the subnet's own, which goes with it.
        own = {"network": "https://www.googleapis.com/compute/v1/projects/elsewhere/global/networks/default"}
        self.cloud.compute("global", "routes", f"default-route-{self.end}", nextHopNetwork=self.network, **own)
        for name in (f"{self.cluster}-deny-in", f"gke-{self.cluster}-{self.end}-all", f"k8s-fw-l7--{self.uid}"):
            self._compute("global", "firewalls", "firewall", name, direction="INGRESS", **inside)

    def _nodes(self) -> None:
        """A pool's group that outlived its cluster, with a node and a template; and a group of the ingress's."""
        pool = node_group(self.cluster, GPU_POOL, self.end)
        metadata = {"items": [{"key": "cluster-name", "value": self.cluster}]}
        properties = {"metadata": metadata, "machineType": "g2-standard-4"}
        template = self._compute("global", "instanceTemplates", "instance template", pool, properties=properties)
        group = self.cloud.compute(IN_ZONE, "instanceGroups", f"{pool}-grp", network=self.network)
        self._compute(
            IN_ZONE,
            "instanceGroupManagers",
            "managed instance group",
            f"{pool}-grp",
            instanceTemplate=template,
            instanceGroup=group,
            targetSize=1,
        )
        self._compute(
            IN_ZONE,
            "instances",
            "machine",
            f"{pool}-x1y2",
            labels=self.node_labels,
            status="RUNNING",
            machineType=f"projects/{PROJECT}/zones/{ZONE}/machineTypes/g2-standard-4",
        )
        self.cloud.compute(
            IN_ZONE, "instanceGroups", self._note("instance group", f"k8s-ig--{self.uid}"), network=self.network
        )

    def _machine(self) -> None:
        """The single machine, which is protected."""
        self._compute(
            IN_ZONE,
            "instances",
            "machine",
            f"{self.cluster}-machine-1",
            labels=self.labels,
            status="TERMINATED",
            deletionProtection=True,
            networkInterfaces=[{"network": self.network}],
        )

    def _disks(self) -> None:
        """Disks of claims: with the cluster's labels, with GKE's alone, with nothing but the key; and a snapshot."""
        claim = {
            "kubernetes.io/created-for/pvc/name": "prometheus",
            "kubernetes.io/created-for/pvc/namespace": "monitoring",
            "storage.gke.io/created-by": "pd.csi.storage.gke.io",
        }
        common = {"sizeGb": "8", "status": "READY", "description": json.dumps(claim)}
        marks: list[dict[str, Any]] = [
            {"labels": {**self.labels, "goog-gke-volume": ""}},
            {"labels": {**self.node_labels, "goog-gke-volume": ""}},
            {"diskEncryptionKey": {"kmsKeyName": f"{self.key}/cryptoKeyVersions/1"}},
        ]
        links = [
            self._compute(IN_ZONE, "disks", "disk", f"pvc-{number}-{self.uid}", **common, **mark)
            for number, mark in enumerate(marks)
        ]
        self._compute(IN_REGION, "disks", "disk", f"pvc-regional-{self.uid}", labels=self.labels, status="READY")
        fields = {"labels": self.labels, "sourceDisk": links[0]}
        self._compute("global", "snapshots", "snapshot", f"snapshot-{self.uid}", **fields)
        dying = self.cloud.compute(IN_ZONE, "disks", f"pvc-going-{self.uid}", status="DELETING", labels=self.labels)
        self.going.add(("disk", dying.rpartition("/")[2]))

    def _load_balancers(self) -> None:
        """One by names of URLs, one that passes through from outside, and one inside that others reach."""
        uid = self.uid
        check = self._compute("global", "healthChecks", "health check", f"k8s1-check-{uid}")
        group = self._compute(
            IN_ZONE, "networkEndpointGroups", "network endpoint group", f"k8s1-neg-{uid}", network=self.network
        )
        backend = self._compute(
            "global",
            "backendServices",
            "backend service",
            f"k8s1-be-{uid}",
            backends=[{"group": group}],
            healthChecks=[check],
        )
        urls = self._compute("global", "urlMaps", "URL map", f"k8s2-um-{uid}", defaultService=backend)
        proxy = self._compute("global", "targetHttpProxies", "target proxy", f"k8s2-tp-{uid}", urlMap=urls)
        rule = self._compute("global", "forwardingRules", "forwarding rule", f"k8s2-fr-{uid}", target=proxy)
        self._note("address", f"kept-{uid} (203.0.113.1)")
        self.cloud.compute("global", "addresses", f"kept-{uid}", address="203.0.113.1", users=[rule])
        old = self._compute("global", "httpHealthChecks", "health check", f"k8s-{uid}-node")
        node = f"{node_group(self.cluster, SYSTEM_POOL, self.end)}-9z8y"
        gone = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/{ZONE}/instances/{node}"
        targets = self._compute(
            IN_REGION, "targetPools", "target pool", f"a{uid}", instances=[gone], healthChecks=[old]
        )
        told = json.dumps({"kubernetes.io/service-name": "serving/triton"})
        self._compute(IN_REGION, "forwardingRules", "forwarding rule", f"a{uid}", target=targets, description=told)
        inside = self._compute(IN_REGION, "backendServices", "backend service", f"k8s2-in-{uid}", network=self.network)
        reached = self._compute(
            IN_REGION,
            "forwardingRules",
            "forwarding rule",
            f"k8s2-in-{uid}",
            network=self.network,
            backendService=inside,
        )
        self._compute(IN_REGION, "serviceAttachments", "service attachment", f"k8s1-sa-{uid}", targetService=reached)

    def _addresses(self) -> None:
        """Two inside, one that only its labels tell, and one that goes with the router."""
        inside = {"addressType": "INTERNAL"}
        self._note("internal address", f"{self.cluster}-google-apis (10.20.3.3)")
        self.cloud.compute(
            "global",
            "addresses",
            f"{self.cluster}-google-apis",
            address="10.20.3.3",
            network=self.network,
            purpose="PRIVATE_SERVICE_CONNECT",
            **inside,
        )
        self._note("internal address", f"inside-{self.uid} (10.20.0.9)")
        self.cloud.compute(
            IN_REGION,
            "addresses",
            f"inside-{self.uid}",
            address="10.20.0.9",
            subnetwork=self.subnet,
            purpose="GCE_ENDPOINT",
            **inside,
        )
        self._note("address", f"labelled-{self.uid} (203.0.113.2)")
        self.cloud.compute(IN_REGION, "addresses", f"labelled-{self.uid}", address="203.0.113.2", labels=self.labels)
        self.cloud.compute(IN_REGION, "addresses", f"nat-auto-ip-{self.uid}", address="203.0.113.3", purpose="NAT_AUTO")

    def _names(self) -> None:
        zone = f"projects/{PROJECT}/managedZones/{self._note('zone of names', f'{self.cluster}-googleapis')}"
        self.cloud.put("dns", zone, name=zone.rpartition("/")[2], dnsName="googleapis.com.", visibility="private")
        for name, kind in (("googleapis.com.", "SOA"), ("googleapis.com.", "NS"), ("*.googleapis.com.", "CNAME")):
            self.cloud.put("dns", f"{zone}/rrsets/{name}|{kind}", name=name, type=kind, ttl=300)

    def _records(self) -> None:
        uri = f"https://container.googleapis.com/v1/projects/{PROJECT}/locations/{ZONE}/clusters/{self.cluster}"
        name = self._note("scheduled job", f"{self.cluster}-expiry-training-1")
        target = {"uri": f"{uri}/nodePools/training:setSize", "httpMethod": "POST"}
        self.cloud.put("cloudscheduler", f"{_HERE}/jobs/{name}", httpTarget=target, state="ENABLED")
        name = self._note("scheduled job", f"{self.cluster}-expiry-machine-1")
        uri = f"https://compute.googleapis.com/compute/v1/projects/{PROJECT}/zones/{ZONE}/instances/{self.cluster}-machine-1/stop"
        self.cloud.put("cloudscheduler", f"{_HERE}/jobs/{name}", httpTarget={"uri": uri}, state="ENABLED")
        for part, state in (("network", "ACTIVE"), ("cluster", "DELETE_REQUESTED")):
            name = f"{self.cluster}-{part}-{self.end}"
            (self.planted if state == "ACTIVE" else self.going).add(("log bucket", name))
            self.cloud.put("logging", f"{_HERE}/buckets/{name}", lifecycleState=state, retentionDays=30)
            sink = self._note("log sink", f"{self.cluster}-logs-{part}")
            self.cloud.put(
                "logging",
                f"projects/{PROJECT}/sinks/{sink}",
                name=sink,
                destination=f"logging.googleapis.com/{_HERE}/buckets/{name}",
            )
        exclusion = self._note("log exclusion", f"{self.cluster}-logs")
        self.cloud.put("logging", f"projects/{PROJECT}/exclusions/{exclusion}", name=exclusion, filter="a")
        budget = self._note("budget", f"0000-{self.end}")
        counted = {"projects": [f"projects/{NUMBER}"], "labels": {"stack": [self.stack]}}
        self.cloud.put("billingbudgets", f"{BILLING}/budgets/{budget}", displayName=self.cluster, budgetFilter=counted)
        channel = self._note("notification channel", str(int(self.end, 16)))
        path = f"projects/{PROJECT}/notificationChannels/{channel}"
        self.cloud.put("monitoring", path, type="email", displayName=f"{self.cluster}: ml@example.com")

    def _stores(self) -> None:
        """A bucket by its name alone, one by its labels alone, one that was deleted; and a repository."""
        named, labelled = f"{self.cluster}-models-{PROJECT}", f"labels-only-{self.stack}"
        for name, labels in ((named, {}), (labelled, self.labels)):
            self.cloud.put("storage", f"b/{self._note('bucket', name)}", name=name, labels=labels)
        deleted = f"{self.cluster}-datasets-{PROJECT}"
        when = {"softDeleteTime": "2026-11-20T10:00:00Z", "hardDeleteTime": "2026-11-27T10:00:00Z", "generation": "17"}
        self.cloud.put("storage", f"b/{deleted}#17", name=deleted, **when)
        self.going.add(("bucket", f"{deleted}#17"))
        path = f"{_HERE}/repositories/{self._note('image repository', f'{self.cluster}-training')}"
        self.cloud.put("artifactregistry", path, sizeBytes="1024", format="DOCKER")

    def _keys(self) -> None:
        """A key with a live version and one on its way out, which rotates; and one of which only the name is left."""
        ring = self.key.partition("/cryptoKeys/")[0]
        self.cloud.put("cloudkms", ring)
        rotating = {"nextRotationTime": "2027-01-01T00:00:00Z", "labels": {**self.labels, "purpose": "disks"}}
        self.cloud.put("cloudkms", self.key, purpose="ENCRYPT_DECRYPT", **rotating)
        name = self.key.replace("/cryptoKeys/", "/").split("/keyRings/")[1]
        self._note("KMS key version", f"{name}/1")
        self.cloud.put("cloudkms", f"{self.key}/cryptoKeyVersions/1", state="ENABLED")
        self.going.add(("KMS key version", f"{name}/2"))
        dying = {"state": "DESTROY_SCHEDULED", "destroyTime": "2026-12-24T10:00:00Z"}
        self.cloud.put("cloudkms", f"{self.key}/cryptoKeyVersions/2", **dying)
        spent = f"{ring}/cryptoKeys/gcp-keys-data-{self.end[:7]}"
        self.cloud.put("cloudkms", spent, purpose="ENCRYPT_DECRYPT", labels=self.labels)
        self.cloud.put("cloudkms", f"{spent}/cryptoKeyVersions/1", state="DESTROYED")
        self.retained.add(("spent KMS key", spent.replace("/cryptoKeys/", "/").split("/keyRings/")[1]))

    def _identities(self) -> None:
        addresses = [f"{self.cluster}-{purpose}@{PROJECT}.iam.gserviceaccount.com" for purpose in ("node", "training")]
        names = Names("trainyard", self.stack, PROJECT, NUMBER, REGION)
        addresses.append(names.service_account(names.team_purpose("a", "loader")))
        for email in addresses:
            path = f"projects/{PROJECT}/serviceAccounts/{self._note('service account', email)}"
            self.cloud.put("iam", path, email=email, projectId=PROJECT)
        gone = f"deleted:serviceAccount:{self.cluster}-expiry@{PROJECT}.iam.gserviceaccount.com?uid=1{NUMBER}"
        for member in (f"serviceAccount:{addresses[0]}", gone):
            role = f"projects/{PROJECT}/roles/role_of_{self.stack.replace('-', '_')}"
            self.cloud.bindings.append({"role": role, "members": [member, "user:somebody@example.com"]})
            self._note("grant", f"{role} to {member}")
        role = f"{self.cluster.replace('-', '_')}_member_{self.end}"
        self.cloud.put("iam", f"projects/{PROJECT}/roles/{self._note('role', role)}", title="x")
        old = f"{self.cluster.replace('-', '_')}_expiry_pools_{self.end}"
        self.cloud.put("iam", f"projects/{PROJECT}/roles/{old}", deleted=True)
        self.going.add(("role", old))
        pools = f"projects/{PROJECT}/locations/global/workloadIdentityPools"
        for name, state in (
            (f"github-{self.cluster[:16].strip('-')}-{self.end}", "ACTIVE"),
            (f"github-{self.cluster[:16].strip('-')}-00000000", "DELETED"),
        ):
            (self.planted if state == "ACTIVE" else self.going).add(("identity pool", name))
            self.cloud.put("iam", f"{pools}/{name}", displayName=self.cluster, state=state)

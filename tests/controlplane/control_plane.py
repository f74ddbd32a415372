"""A real Kubernetes control plane on this machine: etcd, API server, controller manager and scheduler, and fake nodes.

The programs are Kubernetes' own (see build.py), with RBAC and the default admission plugins on. The nodes are kwok's:
objects that the scheduler and the controllers take for machines, whose pods "run" at once, without containers, and go
on until `finish_pod`. There is no network, no DNS and no storage between them. With `kueue=True` the real Kueue manager
runs too, with its webhooks.

    with ControlPlane(find_or_build()) as control_plane:
        control_plane.add_node("gpu-1", allocatable={"nvidia.com/gpu": "8"})
        control_plane.apply(manifests)
        control_plane.wait_for("the pod runs", lambda: control_plane.get("Pod", "team-a", "app=x"))

Everything is on 127.0.0.1, on free ports, in a temporary folder, and ends with the process that started it.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import requests
import yaml

from tests.controlplane.api import Api, Manifest, Refused, sorted_for_apply
from tests.controlplane.build import KUEUE, MODULE, Build
from tests.controlplane.certificates import Authority, certificate_user, kubeconfig, service_account_key
from tests.controlplane.crds import CRD_GROUPS
from tests.controlplane.kueue import (
    AUTHORITY_NAME,
    SERVICE_NAME,
    Ports,
    conversions,
    kueue_configuration,
    namespace_and_secret,
    webhooks,
)
from tests.controlplane.processes import Processes, ProgramEnded, free_port
from tests.controlplane.programs import node_manifest, program_arguments

Found = TypeVar("Found")

EXIT_CODE_ANNOTATION = "trainyard.test/exit-code"
"""On a pod, or in its template: with which exit code its containers end as soon as they run."""
ADMIN_GROUP = "system:masters"
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")

_ATTEMPTS = 3
_START_SECONDS = 120.0
_POLL_SECONDS = 0.05
_CRD_THREADS = 4


class NotSeen(AssertionError):
    """What a test waited for did not come about."""


class ControlPlane:
    """A control plane that runs while this context lasts. Not for several threads at once, except `new_api`."""

    kubeconfig: Path
    """The kubeconfig of an administrator."""
    server: str
    """The address of the API server."""
    api: Api
    """The API as the administrator sees it."""
    authority_file: Path
    """The certificate of the authority that has signed the server's."""
    admin_files: tuple[Path, Path]
    """The administrator's certificate and its key."""

    def __init__(
        self,
        build: Build,
        *,
        kueue: bool = False,
        crds: Sequence[str] = CRD_GROUPS,
        flags: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`crds`: whose custom resource definitions to install; `flags`: more of them for a program, by its name."""
        self._build = build
        self._with_kueue = kueue
        self._crds = tuple(dict.fromkeys([*crds, *(["kueue"] if kueue else [])]))
        self._flags = {name: tuple(more) for name, more in (flags or {}).items()}
        self._authority = Authority(AUTHORITY_NAME)

    def __enter__(self) -> Self:
        for attempt in range(1, _ATTEMPTS + 1):
            self.processes = Processes()
            try:
                self._start()
            except ProgramEnded as ended:
                self.close()
                # Somebody else may have taken a port that was free.
                if attempt == _ATTEMPTS or "address already in use" not in str(ended):
                    raise
            except BaseException:
                self.close()
                raise
            else:
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all processes and removes the folder; done again it does nothing."""
        if hasattr(self, "api"):
            self.api.close()
        self.processes.close()

    # What tests ask of it.

    def kubeconfig_of(self, user: str, groups: Sequence[str] = ()) -> Path:
        """The path of a kubeconfig with which one is this user, in these groups: by a client certificate."""
        return self._write_kubeconfig(certificate_user(self._authority.user(user, groups)), user)

    def kubeconfig_of_account(self, namespace: str, name: str) -> Path:
        """The path of a kubeconfig with which one is a service account, by a token that lasts an hour."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        token = self.api.request("POST", path, body=request)["status"]["token"]
        return self._write_kubeconfig({"token": token}, name)

    @property
    def authority(self) -> bytes:
        """The certificate of the authority that signs all others, as PEM."""
        return self._authority.own.certificate

    def certificate_of(self, *names: str) -> tuple[Path, Path]:
        """The paths of a certificate for what answers on 127.0.0.1 by these names, and of its key."""
        return self._authority.server(names[0], *names).write(self.processes.folder / names[0])

    def kubectl(
        self,
        *arguments: str,
        stdin: str | None = None,
        kubeconfig: Path | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs the real kubectl, as the administrator or by another kubeconfig.

        With `check`, an exit code other than 0 raises Refused with what kubectl said.
        """
        done = subprocess.run(
            [self._build.program("kubectl"), f"--kubeconfig={kubeconfig or self.kubeconfig}", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            env=self.processes.environment(),
            cwd=self.processes.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise Refused(0, done.stderr.strip() or done.stdout.strip(), what=f"kubectl {' '.join(arguments)}")
        return done

    def apply(self, manifests: Sequence[Manifest]) -> list[Manifest]:
        """Applies as `kubectl apply --server-side --validate=strict --force-conflicts`; returns what the server has.

        Namespaces and custom resource definitions go first, and are waited for. Raises Refused.
        """
        applied = []
        for manifest in sorted_for_apply(manifests):
            applied.append(self.api.apply(manifest))
            if manifest["kind"] == "Namespace":
                self._wait_for_namespace(manifest["metadata"]["name"])
            elif manifest["kind"] == "CustomResourceDefinition":
                self._wait_for_kinds([manifest])
        return applied

    def dry_run(self, manifests: Sequence[Manifest]) -> list[Manifest]:
        """What `apply` would make of the manifests, one by one, without doing it. Raises Refused.

        As with `kubectl --dry-run=server`, a namespace that is not there refuses what belongs into it.
        """
        return [self.api.apply(manifest, dry_run=True) for manifest in sorted_for_apply(manifests)]

    def get(self, kind: str, namespace: str | None = None, selector: str | None = None) -> list[Manifest]:
        """All objects of a kind (`Pod`, `pods`, `workloads.kueue.x-k8s.io`), in one namespace or in all."""
        return self.api.get(kind, namespace, selector)

    def namespace(self, prefix: str, labels: Mapping[str, str] | None = None) -> str:
        """Creates a namespace with a name of its own, ready for pods, and returns the name."""
        metadata: Manifest = {"generateName": f"{prefix}-", "labels": dict(labels or {})}
        created = self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        name: str = created["metadata"]["name"]
        self._wait_for_namespace(name)
        return name

    def wait_for(self, describe: str, probe: Callable[[], Found | None], seconds: float = 60) -> Found:
        """Asks until the answer is true, and returns it.

        Raises NotSeen after so many seconds, saying `describe` ("the job is admitted"); ProgramEnded where a part of
        the control plane has died meanwhile. What the probe raises is raised at once.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = probe()
            if found:
                return found
            if time.monotonic() > deadline:
                self.processes.require_running()
                raise NotSeen(f"not seen within {seconds:g} s: {describe}; the last answer was {found!r}")
            time.sleep(_POLL_SECONDS)

    def add_node(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        taints: Sequence[Mapping[str, str]] = (),
        allocatable: Mapping[str, str] | None = None,
        zone: str | None = None,
        *,
        wait: bool = True,
    ) -> None:
        """Adds a fake node and, with `wait`, returns when pods can be bound to it.

        `allocatable` adds to 32 CPUs, 128 GiB of memory, 500 GiB of disk and 110 pods, or replaces them.
        """
        self.api.create(node_manifest(name, labels or {}, taints, allocatable or {}, zone))
        if wait:
            self.wait_for(f"node {name} is ready", lambda: self.is_ready(name))

    def is_ready(self, name: str) -> bool:
        """Whether a node is ready and the controllers have taken it for ready."""
        node = self.api.get_one("Node", name) or {}
        conditions = node.get("status", {}).get("conditions", [])
        taints = [taint["key"] for taint in node.get("spec", {}).get("taints", [])]
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return ready and not any(key.startswith("node.kubernetes.io/") for key in taints)

    def remove_node(self, name: str, *, evict: bool = True) -> None:
        """Removes a node as the handler of a spot interruption does: no new pods, all pods evicted, then gone.

        Evictions respect PodDisruptionBudgets: they are tried again for a minute, then NotSeen is raised. Without
        `evict` the node is gone at once, and what ran there is found missing by the controllers some 40 seconds later.
        """
        if evict:
            self.api.patch("Node", name, {"spec": {"unschedulable": True}})
            self.wait_for(f"node {name} has no pod any more", lambda: not self._evict_pods_of(name))
        self.api.delete("Node", name)

    def finish_pod(self, namespace: str, name: str, exit_code: int = 0) -> None:
        """Lets the containers of a running pod end with this exit code."""
        self.api.patch("Pod", name, {"metadata": {"annotations": {EXIT_CODE_ANNOTATION: str(exit_code)}}}, namespace)

    def install_crds(self, *groups: str) -> None:
        """Installs the definitions of these of `CRD_GROUPS` and waits until their kinds are served."""
        documents = [document for group in groups for document in self._crds_of(group)]

        def install(document: Manifest) -> None:
            with self.new_api() as api:
                # By creation: applying would make the server work out who owns each of some ten thousand fields.
                api.create(document)

        with ThreadPoolExecutor(_CRD_THREADS) as threads:
            list(threads.map(install, documents))
        self._wait_for_kinds(documents)

    @contextlib.contextmanager
    def new_api(self) -> Iterator[Api]:
        """Another connection as the administrator, for another thread."""
        api = Api(self.server, self.authority_file, self.admin_files)
        try:
            yield api
        finally:
            api.close()

    # How it comes up.

    def _start(self) -> None:
        folder = self.processes.folder
        self._port = free_port()
        self._kueue_ports = Ports(webhook=free_port(), health=free_port())
        self.server = f"https://127.0.0.1:{self._port}"
        self.authority_file, _ = self._authority.own.write(folder / "ca")
        admin = self._authority.user("admin", (ADMIN_GROUP,))
        self.admin_files = admin.write(folder / "admin")
        self._authority.server("kube-apiserver").write(folder / "apiserver")
        (folder / "service-accounts.key").touch(mode=0o600)
        (folder / "service-accounts.key").write_bytes(service_account_key())
        self.kubeconfig = self._write_kubeconfig(certificate_user(admin), "admin")
        self.api = Api(self.server, self.authority_file, self.admin_files)
        self.start("etcd")
        self.start("kube-apiserver")
        self._wait_for_answer(lambda: self.api.request("GET", "/readyz", accept="*/*"), "the API server is ready")
        self.start("kube-controller-manager")
        self.start("kube-scheduler")
        self.start("kwok")
        self.install_crds(*self._crds)
        self._wait_for_namespace("default")
        if self._with_kueue:
            self._start_kueue()

    def start(self, program: str) -> None:
        """Starts one of the programs, with the flags that were asked for; all but Kueue are started by themselves."""
        folder, stages = self.processes.folder, [*self._build.stages(), MODULE / "stages.yaml"]
        arguments = program_arguments(program, folder, self._port, self.kubeconfig, stages)
        self._run(program, arguments)

    def stop(self, program: str) -> None:
        """Ends one of the programs, as when it crashes."""
        self.processes.stop(program)

    def _start_kueue(self) -> None:
        folder = self.processes.folder
        ports = self._kueue_ports
        serving = self._authority.server("kueue", SERVICE_NAME)
        certificates = folder / "kueue"
        certificates.mkdir()
        serving.write(certificates / "tls")
        configuration = folder / "kueue.yaml"
        configuration.write_text(yaml.safe_dump(kueue_configuration(certificates, ports)))
        authority = self._authority.own
        self.apply(namespace_and_secret(authority, serving))
        published = list(yaml.safe_load_all(self._build.kueue_webhooks().read_text()))
        for document in webhooks(published, authority.certificate, ports):
            self.api.create(document)
        self._run(KUEUE, [f"--config={configuration}"])
        health = f"http://127.0.0.1:{ports.health}/readyz"
        self._wait_for_answer(lambda: requests.get(health, timeout=5).raise_for_status(), "Kueue is ready")

    def _write_kubeconfig(self, user: Manifest, name: str) -> Path:
        handle, path = tempfile.mkstemp(prefix="user-", suffix=".kubeconfig", dir=self.processes.folder)
        os.close(handle)
        Path(path).write_text(kubeconfig(self.server, self.authority, user, name))
        return Path(path)

    def _run(self, program: str, arguments: Sequence[str]) -> None:
        command = [self._build.program(program), *arguments, *self._flags.get(program, ())]
        self.processes.start(program, command, {"KUBECONFIG": str(self.kubeconfig)})

    def _wait_for_answer(self, ask: Callable[[], Any], describe: str) -> None:
        def answers() -> bool:
            self.processes.require_running()
            with contextlib.suppress(requests.RequestException, Refused):
                ask()
                return True
            return False

        self.wait_for(describe, answers, _START_SECONDS)

    def _wait_for_namespace(self, name: str) -> None:
        """Pods are refused in a namespace until the controllers have made its default service account."""
        describe = f"namespace {name} has its service account"
        self.wait_for(describe, lambda: self.api.get_one("ServiceAccount", "default", name))

    def _wait_for_kinds(self, definitions: Sequence[Manifest]) -> None:
        names = {definition["metadata"]["name"] for definition in definitions}
        self.wait_for(f"{', '.join(sorted(names))} are served", lambda: names <= self.api.discover())

    def _crds_of(self, group: str) -> Iterator[Manifest]:
        converted = conversions(self._authority.own.certificate, self._kueue_ports) if self._with_kueue else {}
        for file in self._build.crds(group):
            for document in yaml.load_all(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                document["spec"] |= converted.get(document["metadata"]["name"], {})
                yield document

    def _evict_pods_of(self, node: str) -> list[str]:
        """Asks for the eviction of every pod of a node; the names of those that are still there."""
        left = []
        for pod in self.api.get("Pod"):
            if pod["spec"].get("nodeName") != node or pod["status"].get("phase") in ("Succeeded", "Failed"):
                continue
            name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
            left.append(name)
            eviction = {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": name, "namespace": namespace},
            }
            try:
                self.api.request("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body=eviction)
            except Refused as refused:
                # Gone meanwhile, or its PodDisruptionBudget does not allow it yet.
                if refused.status not in (requests.codes.not_found, requests.codes.too_many_requests):
                    raise
        return left

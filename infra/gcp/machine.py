"""A single instance without Kubernetes, for the smallest runs and for hosts like those at the edge.

It has no public address: people reach it by SSH through Identity-Aware Proxy, which asks IAM who they are, and OS Login
asks again; keys in metadata open nothing. Settings start and stop it and make it another size, which keeps its disk.

A type with a GPU for one without, or another accelerator, is another machine with the old one's disk; the old one goes
first. The provider could not change it: it tells Compute Engine how a machine is moved before it has resized it, and
does not take away a GPU that the settings no longer name. A machine of another `generation` is a new one, too: it is
there before the old one goes, with an empty disk, and with the image and the disk that the settings name by then.
Another image or disk alone changes nothing, so that an image published by somebody else never replaces a machine. A new
one has to run at first: the provider makes none that is stopped.

Production protects it from deletion, and then the provider does not replace it either: the setting
`deletion_protection` lifts that by an `up` before.

What runs on it may do what the training may: read data sets, keep checkpoints, release models. It is that service
account, and so is whoever may log in to the machine.

Sources: Compute Engine, "GPU machines and host maintenance", "Spot VMs"; terraform-provider-google 7.45.0,
resource_compute_instance.go (update, delete, guest_accelerator); CIS Google Cloud 3.0.0 4.1 to 4.9.
"""

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.machine_settings import MachineSettings
from infra.gcp.machine_types import facts_of
from infra.gcp.naming import Names
from infra.gcp.network import SSH_TAG

STATES = {"running": "RUNNING", "stopped": "TERMINATED"}
"""A machine's state as Compute Engine has it, by the setting. What is stopped is TERMINATED, and can be started."""


@dataclass(frozen=True, kw_only=True)
class MachineArguments:
    """What the machine is made from."""

    names: Names
    settings: MachineSettings
    zone: str
    subnetwork_id: pulumi.Input[str]
    volumes_key_id: pulumi.Input[str]
    service_account_email: pulumi.Input[str]
    """What runs on it is this service account."""
    production: bool
    """Whether Compute Engine refuses to delete it, unless the settings say otherwise."""


class Machine(pulumi.ComponentResource):
    """An instance, by itself."""

    instance_name: pulumi.Output[str]
    """Its name, known when it is there."""
    zone: str

    def __init__(self, name: str, args: MachineArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Machine", name, None, opts)
        self._args, self.zone = args, args.zone
        self._of_generation = f"{name}-{args.settings.generation}"
        instance = self._make_instance(self._make_disk())
        self.instance_name = instance.name
        self.register_outputs({"instance_name": self.instance_name})

    @property
    def _full_name(self) -> str:
        return self._args.names.resource(f"machine-{self._args.settings.generation}")

    def _make_disk(self) -> gcp.compute.Disk:
        """A disk of its own: a new instance of the same generation has the old one's."""
        args, settings = self._args, self._args.settings
        return gcp.compute.Disk(
            self._of_generation,
            name=self._full_name,
            project=args.names.project_id,
            zone=args.zone,
            description=f"Boot disk of the single machine of {args.names.prefix}",
            image=settings.image,
            type=settings.disk_type,
            size=settings.disk_gib,
            disk_encryption_key=gcp.compute.DiskDiskEncryptionKeyArgs(kms_key_self_link=args.volumes_key_id),
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["image", "type", "size"], delete_before_replace=True
            ),
        )

    def _make_instance(self, disk: gcp.compute.Disk) -> gcp.compute.Instance:
        args, settings = self._args, self._args.settings
        return gcp.compute.Instance(
            self._of_generation,
            name=self._full_name,
            project=args.names.project_id,
            zone=args.zone,
            description=f"The single machine of {args.names.prefix}{self._gpus()}",
            machine_type=settings.machine_type,
            guest_accelerators=[
                gcp.compute.InstanceGuestAcceleratorArgs(type=settings.accelerator, count=settings.accelerator_count)
            ]
            if settings.accelerator
            else None,
            boot_disk=gcp.compute.InstanceBootDiskArgs(source=disk.id, auto_delete=False, device_name="boot"),
            network_interfaces=[
                gcp.compute.InstanceNetworkInterfaceArgs(subnetwork=args.subnetwork_id, nic_type="GVNIC")
            ],
            can_ip_forward=False,
            tags=[SSH_TAG],
            service_account=gcp.compute.InstanceServiceAccountArgs(
                email=args.service_account_email, scopes=["https://www.googleapis.com/auth/cloud-platform"]
            ),
            shielded_instance_config=gcp.compute.InstanceShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_vtpm=True, enable_integrity_monitoring=True
            ),
            metadata={
                "enable-oslogin": "TRUE",
                "block-project-ssh-keys": "TRUE",
                "serial-port-enable": "FALSE",
            },
            scheduling=self._scheduling(),
            desired_status=STATES[settings.state],
            allow_stopping_for_update=True,
            deletion_protection=args.production and settings.deletion_protection,
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=True,
                # Some types bring local SSDs unasked, and the provider replaces a machine that has what nobody named.
                ignore_changes=["scratchDisks"],
                # It tells which GPUs the machine has.
                replace_on_changes=["description"],
            ),
        )

    def _gpus(self) -> str:
        if self._args.settings.accelerator:
            return f", with {self._args.settings.accelerator}"
        return "" if self._has_gpus() else ", without GPU"

    def _has_gpus(self) -> bool:
        settings = self._args.settings
        facts = facts_of(settings.machine_type, settings.accelerator, settings.accelerator_count)
        return facts is None or facts.gpu_count > 0

    def _scheduling(self) -> gcp.compute.InstanceSchedulingArgs:
        """A machine with a GPU cannot be moved while it runs; one that Google takes is stopped, and keeps its disk."""
        spot = self._args.settings.capacity == "spot"
        return gcp.compute.InstanceSchedulingArgs(
            provisioning_model="SPOT" if spot else "STANDARD",
            preemptible=spot,
            automatic_restart=not spot,
            on_host_maintenance="TERMINATE" if spot or self._has_gpus() else "MIGRATE",
            instance_termination_action="STOP" if spot else None,
        )

"""A single instance without Kubernetes, for the smallest runs and for hosts like those at the edge.

It has no public address and nothing can come in: people reach it by Session Manager, without SSH. Settings start and
stop it and make it another size, which keeps its volume. A machine of another `generation` is a new one: it is there
before the old one goes, with an empty volume, and with the image and the volume that the settings name by then. Another
image, root device or size of the volume alone changes nothing, so that an image published by somebody else never
replaces a machine.

What runs on it may do what the training may: read data sets, keep checkpoints, release models.

Hibernation is enabled by setting for the types that can (no type with a GPU can). To hibernate is an operation that
neither CloudFormation nor Terraform's provider has: `aws ec2 stop-instances --hibernate --instance-ids ID`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.aws.instance_settings import MachineSettings
from infra.aws.naming import Names
from infra.aws.node_role import instance_trust
from infra.aws.settings import IdentitySettings


@dataclass(frozen=True, kw_only=True)
class MachineArguments:
    """What the machine is made from."""

    names: Names
    settings: MachineSettings
    identity: IdentitySettings
    vpc_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    """A private subnet."""
    volumes_key_arn: pulumi.Input[str]
    policy: pulumi.Input[str]
    """What runs on it may do, a policy as JSON."""
    production: bool
    """Whether EC2 refuses to terminate it."""
    tags: Mapping[str, str]
    """Tags of its volume and network interface."""


class Machine(pulumi.ComponentResource):
    """An instance, by itself."""

    instance_id: pulumi.Output[str]
    private_ip: pulumi.Output[str]

    def __init__(self, name: str, args: MachineArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Machine", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        instance = self._make_instance(self._make_launch_template(), self._make_profile(), self._make_security_group())
        # EC2 starts an instance that it has resized, so the state is told anew with every type.
        aws.ec2transitgateway.InstanceState(
            f"{self._of_generation}-{args.settings.instance_type.replace('.', '-')}",
            instance_id=instance.id,
            state=args.settings.state,
            opts=self._child,
        )
        self.instance_id, self.private_ip = instance.id, instance.private_ip
        self.register_outputs({"instance_id": self.instance_id})

    @property
    def _of_generation(self) -> str:
        return f"{self._name}-{self._args.settings.generation}"

    def _make_profile(self) -> aws.iam.InstanceProfile:
        names = self._args.names
        role = aws.iam.Role(
            self._name,
            name=names.role("machine"),
            description=f"The single machine of {names.prefix}",
            assume_role_policy=json.dumps(instance_trust(names)),
            permissions_boundary=self._args.identity.permissions_boundary_arn or None,
            opts=self._child,
        )
        session_manager = aws.iam.RolePolicyAttachment(
            self._name,
            role=role.name,
            policy_arn=f"arn:{names.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore",
            opts=self._child,
        )
        work = aws.iam.RolePolicy(self._name, role=role.name, policy=self._args.policy, opts=self._child)
        return aws.iam.InstanceProfile(
            self._name,
            name=names.role("machine"),
            role=role.name,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[session_manager, work]),
        )

    def _make_security_group(self) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            self._name,
            description="The single machine: nothing comes in",
            vpc_id=self._args.vpc_id,
            tags={"Name": f"{self._args.names.prefix}-machine"},
            opts=self._child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-tls",
            security_group_id=group.id,
            description="To AWS and to package registries, by TLS",
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._child,
        )
        return group

    def _make_launch_template(self) -> aws.ec2.LaunchTemplate:
        """Holds the image, which may be a parameter's name: EC2 looks it up when the machine is made."""
        args = self._args
        return aws.ec2.LaunchTemplate(
            self._of_generation,
            description=f"The single machine of {args.names.prefix}",
            image_id=args.settings.image,
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name=args.settings.root_device,
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3",
                        volume_size=args.settings.disk_gib,
                        encrypted="true",
                        kms_key_id=args.volumes_key_arn,
                        delete_on_termination="true",
                    ),
                )
            ],
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(
                    resource_type=kind, tags={**args.tags, "Name": f"{args.names.prefix}-machine"}
                )
                for kind in ("volume", "network-interface")
            ],
            opts=self._child,
        )

    def _make_instance(
        self, template: aws.ec2.LaunchTemplate, profile: aws.iam.InstanceProfile, group: aws.ec2.SecurityGroup
    ) -> aws.ec2.Instance:
        args = self._args
        return aws.ec2.Instance(
            self._of_generation,
            launch_template=aws.ec2.InstanceLaunchTemplateArgs(id=template.id, version="1"),
            # On the instance, where another type is a stop, a change and a start; in the template it would be a new
            # one.
            instance_type=args.settings.instance_type,
            subnet_id=args.subnet_id,
            vpc_security_group_ids=[group.id],
            iam_instance_profile=profile.name,
            associate_public_ip_address=False,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            monitoring=True,
            ebs_optimized=True,
            hibernation=args.settings.hibernation or None,
            # EC2 refuses others in production; Pulumi has to delete it when a new generation takes its place.
            disable_api_termination=args.production,
            force_destroy=True,
            instance_initiated_shutdown_behavior="stop",
            tags={"Name": f"{args.names.prefix}-machine"},
            opts=self._child,
        )

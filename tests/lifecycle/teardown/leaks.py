"""What a stack on AWS may leave behind, planted in a cloud: of each kind one, as Kubernetes or a destroy leaves it."""

import json
from typing import Any

from tests.lifecycle.teardown.moto_cloud import ACCOUNT, REGION, MotoCloud

IMAGE = "ami-12c6146b"
"""One of moto's own."""


class Leaks:
    """Leaves of one stack everything that the audit knows; `planted` tells what, by kind and id."""

    def __init__(self, cloud: MotoCloud, stack: str) -> None:
        self.cloud, self.stack, self.cluster = cloud, stack, f"trainyard-{stack}"
        self.own = {"project": "trainyard", "stack": stack}
        self.planted: set[tuple[str, str]] = set()
        self.network, self.subnet = "", ""

    def plant(self) -> "Leaks":
        """Plants all of it."""
        for step in (
            self._network,
            self._interfaces,
            self._security_groups,
            self._addresses,
            self._disks,
            self._load_balancers,
            self._nodes,
            self._cluster,
            self._records,
            self._stores,
            self._identities,
        ):
            step()
        return self

    def _note(self, kind: str, name: str) -> str:
        self.planted.add((kind, name))
        return name

    def _tagged(self, resource: str, tags: dict[str, str]) -> dict[str, Any]:
        return {"TagSpecifications": [{"ResourceType": resource, "Tags": pairs(tags)}]}

    def _network(self) -> None:
        """The network of the stack, which its destroy could not delete."""
        ec2 = self.cloud.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", **self._tagged("vpc", self.own))["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", **self._tagged("subnet", self.own))["Subnet"]
        self.network, self.subnet = self._note("VPC", vpc), self._note("subnet", subnet["SubnetId"])
        gateway = ec2.create_internet_gateway(**self._tagged("internet-gateway", self.own))["InternetGateway"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        self._note("internet gateway", gateway["InternetGatewayId"])
        table = ec2.create_route_table(VpcId=vpc, **self._tagged("route-table", self.own))["RouteTable"]
        self._note("route table", table["RouteTableId"])

    def _interfaces(self) -> None:
        """Of the network add-on by its tag, and one that only lies in the network."""
        ec2 = self.cloud.client("ec2")
        tags = {"cluster.k8s.amazonaws.com/name": self.cluster, "node.k8s.amazonaws.com/instance_id": "i-0"}
        for described, some in (("aws-K8S-i-0123456789abcdef0", tags), ("nobody knows", {})):
            tagging = self._tagged("network-interface", some) if some else {}
            made = ec2.create_network_interface(SubnetId=self.subnet, Description=described, **tagging)
            self._note("network interface", made["NetworkInterface"]["NetworkInterfaceId"])

    def _security_groups(self) -> None:
        """Two that refer to each other, as those of a load balancer and of its nodes do."""
        ec2 = self.cloud.client("ec2")
        groups = [
            ec2.create_security_group(VpcId=self.network, GroupName=name, Description="of Kubernetes", **tagging)[
                "GroupId"
            ]
            for name, tagging in (
                (
                    f"k8s-elb-{self.stack}",
                    self._tagged("security-group", {f"kubernetes.io/cluster/{self.cluster}": "owned"}),
                ),
                (f"eks-cluster-sg-{self.cluster}-1234567890", {}),
            )
        ]
        for group, other in (groups, reversed(groups)):
            permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": other}]}
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
            self._note("security group", group)

    def _addresses(self) -> None:
        """One that nothing uses, and one of a gateway that is left, too."""
        ec2 = self.cloud.client("ec2")
        used = ec2.allocate_address(Domain="vpc", **self._tagged("elastic-ip", self.own))
        self._note("elastic IP address", f"{used['AllocationId']} ({used['PublicIp']})")
        gateway = ec2.create_nat_gateway(
            SubnetId=self.subnet, AllocationId=used["AllocationId"], **self._tagged("natgateway", self.own)
        )["NatGateway"]
        self._note("NAT gateway", gateway["NatGatewayId"])
        interface = gateway["NatGatewayAddresses"][0]["NetworkInterfaceId"]
        self._note("network interface", interface)
        made = ec2.allocate_address(Domain="vpc", **self._tagged("elastic-ip", self.own))
        self._note("elastic IP address", f"{made['AllocationId']} ({made['PublicIp']})")

    def _disks(self) -> None:
        """A volume of a claim and a snapshot of it, as the CSI driver makes them; and one of the old provider."""
        ec2 = self.cloud.client("ec2")
        tags = {
            f"kubernetes.io/cluster/{self.cluster}": "owned",
            "kubernetes.io/created-for/pvc/namespace": "monitoring",
            "kubernetes.io/created-for/pvc/name": "prometheus",
        }
        zone = f"{REGION}a"
        volume = ec2.create_volume(AvailabilityZone=zone, Size=8, **self._tagged("volume", tags))["VolumeId"]
        old = {"KubernetesCluster": self.cluster}
        self._note("EBS volume", volume)
        self._note(
            "EBS volume", ec2.create_volume(AvailabilityZone=zone, Size=1, **self._tagged("volume", old))["VolumeId"]
        )
        self._note("EBS snapshot", ec2.create_snapshot(VolumeId=volume, **self._tagged("snapshot", tags))["SnapshotId"])

    def _load_balancers(self) -> None:
        """One of each kind outside of the stack's network, so that only tags tell whose they are."""
        ec2, v2, classic = (self.cloud.client(service) for service in ("ec2", "elbv2", "elb"))
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
            for number, zone in enumerate("ab")
        ]
        tags = pairs({"elbv2.k8s.aws/cluster": self.cluster, "service.k8s.aws/resource": "LoadBalancer"})
        ids = [each["SubnetId"] for each in subnets]
        made = v2.create_load_balancer(Name=f"k8s-{self.stack}", Type="network", Subnets=ids, Tags=tags)[
            "LoadBalancers"
        ]
        group = v2.create_target_group(Name=f"k8s-{self.stack}", Protocol="TCP", Port=80, VpcId=vpc, Tags=tags)
        arn, target = made[0]["LoadBalancerArn"], group["TargetGroups"][0]["TargetGroupArn"]
        attribute = {"Key": "deletion_protection.enabled", "Value": "true"}
        v2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[attribute])
        forward = {"Type": "forward", "TargetGroupArn": target}
        v2.create_listener(LoadBalancerArn=arn, Protocol="TCP", Port=80, DefaultActions=[forward])
        self._note("load balancer", arn)
        self._note("target group", target)
        listener = {"Protocol": "tcp", "LoadBalancerPort": 80, "InstanceProtocol": "tcp", "InstancePort": 30080}
        classic.create_load_balancer(
            LoadBalancerName=f"a0{self.stack}",
            Listeners=[listener],
            AvailabilityZones=[f"{REGION}a"],
            Tags=pairs({f"kubernetes.io/cluster/{self.cluster}": "owned"}),
        )
        self._note("classic load balancer", f"a0{self.stack}")

    def _nodes(self) -> None:
        """A node that Karpenter started, one that has ended, and the template of a pool."""
        ec2 = self.cloud.client("ec2")
        tags = {"karpenter.sh/nodepool": "training", "eks:eks-cluster-name": self.cluster}
        for fate in ("runs", "ended"):
            run = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, **self._tagged("instance", tags))
            name = run["Instances"][0]["InstanceId"]
            if fate == "runs":
                protection = {"InstanceId": self._note("instance", name), "DisableApiTermination": {"Value": True}}
                ec2.modify_instance_attribute(**protection)
            else:
                ec2.terminate_instances(InstanceIds=[name])
        template = ec2.create_launch_template(
            LaunchTemplateName=f"{self.cluster}_training", LaunchTemplateData={"InstanceType": "g5.xlarge"}
        )
        self._note("launch template", template["LaunchTemplate"]["LaunchTemplateId"])

    def _cluster(self) -> None:
        """The cluster with a node group, and a group of instances that the autoscaler looked after."""
        eks, scaling = self.cloud.client("eks"), self.cloud.client("autoscaling")
        role = f"arn:aws:iam::{ACCOUNT}:role/{self.cluster}_nodes"
        network = {"subnetIds": [self.subnet]}
        eks.create_cluster(name=self._note("EKS cluster", self.cluster), roleArn=role, resourcesVpcConfig=network)
        eks.create_nodegroup(clusterName=self.cluster, nodegroupName="system", nodeRole=role, subnets=[self.subnet])
        self._note("EKS node group", f"{self.cluster}/system")
        name = self._note("Auto Scaling group", f"of-{self.stack}")
        tag = {"Key": f"kubernetes.io/cluster/{self.cluster}", "Value": "owned", "PropagateAtLaunch": False}
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=1,
            AvailabilityZones=[f"{REGION}a"],
            LaunchTemplate={"LaunchTemplateName": f"{self.cluster}_training"},
            Tags=[{"ResourceId": name, "ResourceType": "auto-scaling-group", **tag}],
        )

    def _records(self) -> None:
        logs, events, queues = (self.cloud.client(service) for service in ("logs", "events", "sqs"))
        for name in (
            f"/aws/eks/{self.cluster}/cluster",
            f"/aws/containerinsights/{self.cluster}/host",
            f"/{self.cluster}/flow",
        ):
            logs.create_log_group(logGroupName=self._note("log group", name))
        queue = queues.create_queue(QueueName=self._note("SQS queue", f"{self.cluster}_interruptions"))["QueueUrl"]
        rule = self._note("EventBridge rule", f"{self.cluster}_spot")
        events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.ec2"]}))
        events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue[-9:]}"}])
        scheduler = self.cloud.client("scheduler")
        scheduler.create_schedule_group(Name=self._note("schedule group", self.cluster))
        machine = self.cloud.client("stepfunctions").create_state_machine(
            name=f"{self.cluster}_end",
            definition=json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/{self.cluster}_end",
        )
        self._note("state machine", machine["stateMachineArn"])
        budget: dict[str, Any] = {"BudgetName": self.cluster, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
        budget |= {"BudgetLimit": {"Amount": "500", "Unit": "USD"}}
        self.cloud.client("budgets").create_budget(AccountId=ACCOUNT, Budget=budget)
        self._note("budget", self.cluster)

    def _stores(self) -> None:
        """A bucket by its name alone with old versions in it, one by its tags alone, keys, and repositories."""
        s3, kms, ecr = (self.cloud.client(service) for service in ("s3", "kms", "ecr"))
        where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
        versioned = self._note("bucket", f"{self.cluster}-models-{ACCOUNT}-{REGION}")
        s3.create_bucket(Bucket=versioned, **where)
        s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
        for content in (b"first", b"second"):
            s3.put_object(Bucket=versioned, Key="it's a model/$HOME", Body=content)
        s3.delete_object(Bucket=versioned, Key="it's a model/$HOME")
        flow = self.cloud.client("ec2").create_flow_logs(
            ResourceIds=[self.network],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination=f"arn:aws:s3:::{versioned}",
            **self._tagged("vpc-flow-log", self.own),
        )
        self._note("flow log", flow["FlowLogIds"][0])
        tagged = self._note("bucket", f"tagged-only-{self.stack}")
        s3.create_bucket(Bucket=tagged, **where)
        s3.put_bucket_tagging(Bucket=tagged, Tagging={"TagSet": pairs(self.own)})
        for purpose in ("data", "logs"):
            key = kms.create_key(Tags=[{"TagKey": name, "TagValue": value} for name, value in self.own.items()])
            name = key["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=f"alias/{self.cluster}/{purpose}", TargetKeyId=name)
            if purpose == "data":
                self._note("KMS key", name)
            else:
                kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
        ecr.create_repository(repositoryName=self._note("image repository", f"{self.cluster}/training"))
        ecr.create_repository(repositoryName=f"{self.cluster}/quay/prometheus/node-exporter")
        self.cloud.cache_rules.append(self._note("pull-through cache rule", f"{self.cluster}/quay"))

    def _identities(self) -> None:
        iam = self.cloud.client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        for purpose in ("nodes", "training"):
            name = self._note("IAM role", f"{self.cluster}_{purpose}")
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        role = f"{self.cluster}_nodes"
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        policy = iam.create_policy(PolicyName=f"{self.cluster}_nodes", PolicyDocument=document)["Policy"]["Arn"]
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
        iam.attach_role_policy(RoleName=role, PolicyArn=self._note("IAM policy", policy))
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document)
        iam.create_instance_profile(InstanceProfileName=self._note("instance profile", role))
        iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
        karpenter = f"{self.cluster}-made-by-karpenter"
        iam.create_instance_profile(InstanceProfileName=karpenter, Path=f"/karpenter/{REGION}/{self.cluster}/training/")
        self._note("instance profile", karpenter)
        url = f"https://oidc.eks.{REGION}.amazonaws.com/id/{self.stack}"
        provider = iam.create_open_id_connect_provider(
            Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40], Tags=pairs(self.own)
        )
        self._note("OIDC provider", provider["OpenIDConnectProviderArn"])


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]

"""Whether EKS still has a cluster that is to be drained: where it has none, a destroy has nothing to wait for."""

from typing_extensions import override

from infra.kubernetes.drain import DrainProvider


class EksDrainProvider(DrainProvider):
    """Drains a cluster of EKS, which is known by its ARN."""

    @override
    def is_gone(self, cluster: str) -> bool:
        """Asks EKS with the credentials of whoever destroys."""
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        _, _, _, region, _, resource = cluster.split(":", 5)
        eks = boto3.client("eks", region_name=region)
        try:
            found = eks.describe_cluster(name=resource.partition("/")[2])["cluster"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return True
            print(f"EKS does not say whether the cluster is there: {error}", flush=True)
            return False
        except BotoCoreError as error:
            print(f"EKS cannot be asked whether the cluster is there: {error}", flush=True)
            return False
        finally:
            eks.close()
        # Somebody else deletes it, and nothing in it runs any more.
        return bool(found["status"] == "DELETING")

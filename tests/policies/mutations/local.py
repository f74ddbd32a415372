"""What breaks each rule for the local platform's buckets and processes."""

from policies.local import processes, storage
from policies.local.types import BUCKET, CLOUD
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

MUTATIONS: dict[Rule, Mutation] = {
    storage.bucket_customer_managed_key: Mutation("local", without(BUCKET, "key_arn")),
    processes.processes_on_loopback: Mutation("local", setting(CLOUD, "http://0.0.0.0:5000", "endpoint")),
}

"""Types that hold data or keys: each is one that the provider's SDK has, so none of them is misspelt."""

import pytest

from lifecycle.changes.stateful import LOSSES, loss_of
from tests.infra.sdk_schema import resource_class


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_every_type_is_one_of_its_provider(cloud: str) -> None:
    types = [type_ for type_ in LOSSES if type_.startswith(f"{cloud}:")]
    assert len(types) > 25
    assert all(resource_class(type_) for type_ in types)


def test_what_can_be_made_again_loses_nothing() -> None:
    assert loss_of("gcp:logging/projectBucketConfig:ProjectBucketConfig") == "the logs in it"
    assert loss_of("gcp:kms/cryptoKeyVersion:CryptoKeyVersion")
    assert loss_of("gcp:compute/firewall:Firewall") == ""

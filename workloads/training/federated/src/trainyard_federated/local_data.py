"""A site's own data, read from its own bucket; nothing else here reads any."""

from dataclasses import dataclass

from trainyard_artifacts.storage import ObjectStore
from trainyard_federated.specification import ExampleShape
from trainyard_training.data.examples import DataError, Examples, concatenated
from trainyard_training.data.shards import DatasetIndex, read_index, read_shard


@dataclass(frozen=True)
class SiteData:
    """All that a site has, in memory, verified against its index."""

    index_sha256: str
    shards: int
    train: Examples
    test: Examples


def load_site_data(datasets_uri: str, expected: ExampleShape) -> SiteData:
    """Read a whole data set.

    Raises:
        DataError: it is missing, truncated or altered, or its examples are not as they were agreed on.
        StorageError: the bucket cannot be read.
    """
    store = ObjectStore(datasets_uri)
    index, index_sha256 = read_index(store)
    require_agreed(index, expected, datasets_uri)
    return SiteData(
        index_sha256=index_sha256,
        shards=len(index.train),
        train=concatenated([read_shard(store, index, shard) for shard in index.train]),
        test=concatenated([read_shard(store, index, shard) for shard in index.test]),
    )


def require_agreed(index: DatasetIndex, expected: ExampleShape, datasets_uri: str) -> None:
    """Check that a site's examples are what all sites have agreed to train on.

    Raises:
        DataError: they are not; all that differs is told.
    """
    compared = (
        ("input_shape", index.input_shape, expected.input_shape),
        ("largest_value", index.largest_value, expected.largest_value),
        ("labels", index.labels, expected.labels),
    )
    if differences := [f"{what} is {found}, not {due}" for what, found, due in compared if found != due]:
        raise DataError(f"the data set at {datasets_uri} is not as agreed in examples: {'; '.join(differences)}")

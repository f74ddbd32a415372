"""Weighted rendezvous hashing: for each shard every node draws a number, and the smallest numbers win.

A node of weight w draws -ln(h) / w for a hash h of shard and node in (0, 1), which is exponentially distributed with
rate w: the node wins with probability w / (sum of all weights), whatever the other nodes draw. Nothing but the node's
own name and weight goes into its draw, so a node that comes or goes moves only what it wins or had won.

Sources: Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998); Schindelhauer and Schomaker,
"Weighted distributed hash tables" (2005), the logarithmic method, which Ceph's straw2 buckets use too.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Draws = NDArray[np.float64]

_PERSON = b"trainyard.place"
_MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
NEAR = 1e-12
"""Draws whose ratio is this close to 1 are compared exactly: numpy's logarithm may differ in its last digits from one
processor to another, and the placement must not."""


def hash_names(names: Sequence[str]) -> Hashes:
    """64 bits of BLAKE2b for each name: the same on every machine and in every process."""
    digests = (hashlib.blake2b(name.encode(), digest_size=8, person=_PERSON).digest() for name in names)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def pair_hashes(shards: Hashes, nodes: Hashes) -> Hashes:
    """One hash for every shard (row) and node (column): SplitMix64's finaliser over both.

    Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014). BLAKE2b for each pair would
    take a thousand times as long, and both inputs are BLAKE2b already.
    """
    mixed = shards[:, None] ^ nodes[None, :]
    scratch = np.empty_like(mixed)
    for shift, multiplier in zip((30, 27), _MULTIPLIERS, strict=True):
        np.right_shift(mixed, np.uint64(shift), out=scratch)
        np.bitwise_xor(mixed, scratch, out=mixed)
        np.multiply(mixed, multiplier, out=mixed)
    np.right_shift(mixed, np.uint64(31), out=scratch)
    np.bitwise_xor(mixed, scratch, out=mixed)
    return mixed


def draw(hashes: Hashes, weights: Draws) -> Draws:
    """-ln(h) / w for every shard (row) and node (column); h is the middle of its 53-bit step, so never 0 or 1."""
    drawn: Draws = (hashes >> np.uint64(11)).astype(np.float64)
    drawn += 0.5
    drawn *= 2.0**-53
    np.log(drawn, out=drawn)
    drawn /= -weights
    return drawn


def exact_draw(pair_hash: int, weight: float) -> Decimal:
    """What `draw` computes, to 40 digits: for comparing draws that are nearly the same."""
    with localcontext() as context:
        context.prec = 40
        share = (Decimal(pair_hash >> 11) + Decimal("0.5")) / Decimal(2**53)
        return -share.ln() / Decimal(weight)

"""Cases of the rules for Cloud KMS keys."""

from typing import Any

from policies.cases import Cases, made
from policies.gcp import keys
from policies.resources import Resource


def key(**properties: Any) -> Resource:
    """A key that is not protected."""
    return made(keys.KEY, "data", {"name": "data", **properties})


CASES = (
    Cases(
        keys.key_rotation,
        passing=[
            key(rotationPeriod="7776000s"),
            key(rotationPeriod="2592000.5s", purpose="ENCRYPT_DECRYPT"),
            key(purpose="ASYMMETRIC_SIGN"),
            key(importOnly=True),
        ],
        failing=[
            (key(), "never rotated"),
            (key(purpose="ENCRYPT_DECRYPT"), "never rotated"),
            (key(rotationPeriod="7776001s"), "rotated every 90 days only"),
            (key(rotationPeriod="31536000s"), "rotated every 365 days only; 90 at most"),
        ],
    ),
    Cases(
        keys.key_destruction_delay,
        passing=[
            key(),
            key(destroyScheduledDuration="2592000s"),
            key(destroyScheduledDuration="86400s", importOnly=True),
        ],
        failing=[(key(destroyScheduledDuration="86400s"), "gone for good after 1 days, not 30.")],
    ),
    Cases(
        keys.key_protected,
        passing=[
            made(keys.KEY, "data", {"name": "data"}, protected=True),
            key(deletionPolicy="PREVENT"),
            key(deletionPolicy="ABANDON"),
        ],
        failing=[(key(), "destroyed with its stack"), (key(deletionPolicy="DELETE"), "destroyed with its stack")],
    ),
)

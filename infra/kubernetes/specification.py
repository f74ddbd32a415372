"""The document that tells a workload what to do, as its ConfigMap has it. Its digest is an annotation of the pods, so
that another document makes new ones.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

DIGEST_ANNOTATION = "trainyard.dev/specification-digest"


def document_text(document: Mapping[str, Any]) -> str:
    """Equal documents are equal texts."""
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def text_digest(text: str) -> str:
    """Stands for what a pod reads."""
    return hashlib.sha256(text.encode()).hexdigest()

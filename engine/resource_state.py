"""One resource as a checkpoint records it, and its JSON form (apitype.ResourceV3, deployment version 3)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from engine import property_paths
from engine import urn as urns
from engine.values import Properties, blind, from_checkpoint, to_checkpoint

# Fields of newer Pulumi versions that this engine does not interpret; they are refused where they would change meaning.
_UNDERSTOOD_OPAQUE = ("stackTrace", "hideDiff", "sourcePosition", "importID")


@dataclass(slots=True)
class ResourceState:
    """A resource as it was left by the last step on it. Field meanings are those of Pulumi's ResourceV3."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    delete: bool = False
    """Waits for deletion: a replacement has taken its place."""
    protect: bool = False
    external: bool = False
    """Read, not managed: never deleted."""
    dependencies: list[str] = field(default_factory=list)
    init_errors: list[str] = field(default_factory=list)
    provider: str = ""
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    pending_replacement: bool = False
    """Deleted so that its replacement can be created; the replacement is still to come."""
    additional_secret_outputs: list[str] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: list[str] = field(default_factory=list)
    created: str = ""
    modified: str = ""
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    opaque: dict[str, Any] = field(default_factory=dict)
    """Recorded fields that are kept as they are: source positions and the like."""
    encoded: dict[str, Any] | None = field(default=None, compare=False, repr=False)
    """The checkpoint form, once made; whoever changes a field afterwards resets it through `changed`."""

    def changed(self, **fields: Any) -> "ResourceState":
        """A copy with the given fields changed; states that were recorded are never edited in place."""
        return replace(self, encoded=None, **fields)

    @property
    def is_stack(self) -> bool:
        """Whether this is the root stack resource."""
        return self.type == urns.STACK_TYPE

    @property
    def all_dependencies(self) -> set[str]:
        """The URN of everything that must exist as long as this resource does."""
        needed = set(self.dependencies)
        for names in self.property_dependencies.values():
            needed.update(names)
        if self.parent:
            needed.add(self.parent)
        if self.provider:
            needed.add(urns.split_provider_reference(self.provider)[0])
        if self.deleted_with:
            needed.add(self.deleted_with)
        needed.discard(self.urn)
        return needed


def encode(state: ResourceState, convert: Callable[[Any], Any]) -> dict[str, Any]:
    """The state as ResourceV3 JSON, empty fields left out; `convert` encodes properties (encrypting or blinding)."""
    document: dict[str, Any] = {"urn": state.urn, "custom": state.custom}
    optional = {
        "delete": state.delete,
        "id": state.id,
        "type": state.type,
        "inputs": convert(state.inputs),
        "outputs": convert(state.outputs),
        "parent": state.parent,
        "protect": state.protect,
        "external": state.external,
        "dependencies": state.dependencies,
        "initErrors": state.init_errors,
        "provider": state.provider,
        "propertyDependencies": state.property_dependencies,
        "pendingReplacement": state.pending_replacement,
        "additionalSecretOutputs": state.additional_secret_outputs,
        "customTimeouts": state.custom_timeouts,
        "retainOnDelete": state.retain_on_delete,
        "deletedWith": state.deleted_with,
        "replaceWith": state.replace_with,
        "created": state.created,
        "modified": state.modified,
        "ignoreChanges": state.ignore_changes,
        "replaceOnChanges": state.replace_on_changes,
        **state.opaque,
    }
    document.update((key, value) for key, value in optional.items() if value)
    return document


def blinded(state: ResourceState) -> dict[str, Any]:
    """The state as people may see it."""
    return encode(state, blind)


def recorded(state: ResourceState, encrypt: Callable[[str], str]) -> dict[str, Any]:
    """The state as the checkpoint keeps it; made once for each state."""
    if state.encoded is None:
        state.encoded = encode(state, lambda properties: to_checkpoint(properties, encrypt))
    return state.encoded


def decode(document: dict[str, Any], decrypt: Callable[[str], str] | None) -> ResourceState:
    """The state that a checkpoint recorded. Raises ValueError naming what this engine cannot honour."""
    known = dict(document)
    state = ResourceState(
        urn=known.pop("urn"),
        type=known.pop("type"),
        custom=known.pop("custom"),
        id=known.pop("id", ""),
        inputs=from_checkpoint(known.pop("inputs", None) or {}, decrypt),
        outputs=from_checkpoint(known.pop("outputs", None) or {}, decrypt),
        parent=known.pop("parent", ""),
        delete=known.pop("delete", False),
        protect=known.pop("protect", False),
        external=known.pop("external", False),
        dependencies=known.pop("dependencies", None) or [],
        init_errors=known.pop("initErrors", None) or [],
        provider=known.pop("provider", ""),
        property_dependencies=known.pop("propertyDependencies", None) or {},
        pending_replacement=known.pop("pendingReplacement", False),
        additional_secret_outputs=known.pop("additionalSecretOutputs", None) or [],
        custom_timeouts=known.pop("customTimeouts", None) or {},
        retain_on_delete=known.pop("retainOnDelete", False),
        deleted_with=known.pop("deletedWith", ""),
        replace_with=known.pop("replaceWith", None) or [],
        created=known.pop("created", ""),
        modified=known.pop("modified", ""),
        ignore_changes=known.pop("ignoreChanges", None) or [],
        replace_on_changes=known.pop("replaceOnChanges", None) or [],
    )
    known.pop("aliases", None)
    state.opaque = {key: known.pop(key) for key in _UNDERSTOOD_OPAQUE if key in known}
    hidden = state.opaque.get("hideDiff") or []
    # An earlier version wrote paths in steps, which the pulumi command cannot read.
    badly_written = not all(isinstance(path, str) for path in hidden)
    if badly_written:
        state.opaque["hideDiff"] = list(map(_path_text, hidden))
    unsupported = sorted(key for key, value in known.items() if value)
    if unsupported:
        raise ValueError(
            f"{state.urn} was recorded with {', '.join(unsupported)}, which the embedded engine cannot honour; "
            "use the pulumi command for this stack"
        )
    reusable = (decrypt is not None or not _has_secrets(document)) and not badly_written
    state.encoded = document if reusable else None
    return state


def _path_text(path: str | list[str | int]) -> str:
    return path if isinstance(path, str) else property_paths.render(path)


def _has_secrets(document: dict[str, Any]) -> bool:
    return "ciphertext" in str(document.get("inputs")) or "ciphertext" in str(document.get("outputs"))

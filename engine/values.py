"""Property values: what a program, a provider and a checkpoint say of a resource, in one Python form.

Null, booleans, numbers, strings, lists and dictionaries are themselves. What Pulumi adds is `UNKNOWN` (a value that
nobody can know yet), `Secret` and `ResourceReference`; assets and archives stay dictionaries with their signature.
Three encodings lead here and back: protobuf structs (the engine protocol), checkpoint JSON, and blinded JSON for
people. Source of the signatures: Pulumi's engine protocol, "property values" (sdk/proto, pulumi/resource.proto).
"""

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, NullValue, Struct
from google.protobuf.struct_pb2 import Value as ProtobufValue

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
FLOAT_SIGNATURE: Final = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"
UNKNOWN_SENTINEL: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# The language-neutral sentinels for unknown values of other kinds; SDKs send them where a type is known.
_UNKNOWN_SENTINELS: Final = frozenset(
    {
        UNKNOWN_SENTINEL,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

Value = Any
Properties = dict[str, Any]


class _Unknown:
    """The type of `UNKNOWN`; there is one instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A value that must be encrypted wherever it is kept and never shown."""

    value: Value

    def __repr__(self) -> str:
        return "Secret([secret])"


@dataclass(frozen=True, slots=True)
class ResourceReference:
    """A resource as a value: its URN and, for a custom resource, its id (which may be UNKNOWN)."""

    urn: str
    id: Value = None
    package_version: str = ""


def decode_struct(struct: Struct) -> Properties:
    """The properties of a protobuf struct, by key; dependencies of output values are dropped, their secretness kept."""
    fields = struct.fields
    return {key: decode_value(fields[key]) for key in sorted(fields)}


def decode_value(value: ProtobufValue) -> Value:
    """One property value; a whole number becomes an int, as JSON prints it."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWN_SENTINELS else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields:
            return _decode_signed(fields)
        return {key: decode_value(fields[key]) for key in sorted(fields)}
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [decode_value(element) for element in value.list_value.values]
    return None


def _decode_signed(fields: Mapping[str, ProtobufValue]) -> Value:
    signature = fields[SIGNATURE].string_value
    if signature == SECRET_SIGNATURE:
        return as_secret(decode_value(fields["value"]))
    if signature == RESOURCE_SIGNATURE:
        identifier = decode_value(fields["id"]) if "id" in fields else None
        version = fields["packageVersion"].string_value if "packageVersion" in fields else ""
        return ResourceReference(fields["urn"].string_value, UNKNOWN if identifier == "" else identifier, version)
    if signature == OUTPUT_SIGNATURE:
        value = decode_value(fields["value"]) if "value" in fields else UNKNOWN
        return as_secret(value) if "secret" in fields and fields["secret"].bool_value else value
    return {key: decode_value(fields[key]) for key in sorted(fields)}


def as_secret(value: Value) -> Secret:
    """The value as a secret; secrets do not nest."""
    return value if isinstance(value, Secret) else Secret(value)


def encode_struct(properties: Properties, *, keep_secrets: bool = True) -> Struct:
    """The properties as a protobuf struct; unknowns become the sentinel, secrets keep their mark unless told not to."""
    struct = Struct()
    fields = struct.fields
    for key, value in properties.items():
        _encode_into(fields[key], value, keep_secrets)
    return struct


def _encode_into(target: ProtobufValue, value: Value, keep_secrets: bool) -> None:
    match value:
        case str():
            target.string_value = value
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = value
        case None:
            target.null_value = NullValue.NULL_VALUE
        case dict():
            fields = target.struct_value.fields
            target.struct_value.SetInParent()
            for key, element in value.items():
                _encode_into(fields[key], element, keep_secrets)
        case list():
            target.list_value.CopyFrom(ListValue())
            for element in value:
                _encode_into(target.list_value.values.add(), element, keep_secrets)
        case _Unknown():
            target.string_value = UNKNOWN_SENTINEL
        case Secret(value=inner):
            if keep_secrets:
                _encode_into(target, {SIGNATURE: SECRET_SIGNATURE, "value": inner}, True)
            else:
                _encode_into(target, inner, False)
        case ResourceReference():
            _encode_into(target, _reference_fields(value), keep_secrets)
        case _:
            raise TypeError(f"{type(value).__name__} is not a property value")


def _reference_fields(reference: ResourceReference) -> Properties:
    fields: Properties = {SIGNATURE: RESOURCE_SIGNATURE, "urn": reference.urn}
    if reference.id is not None:
        fields["id"] = reference.id
    fields["packageVersion"] = reference.package_version
    return fields


def to_checkpoint(value: Value, encrypt: Callable[[str], str]) -> Value:
    """The value as a checkpoint holds it: secrets as ciphertext of their JSON, made by `encrypt`.

    JSON has neither NaN nor infinities: as in Pulumi (pkg/resource/stack, deployment.go) they are recorded as the
    hexadecimal digits of their bits.
    """
    match value:
        case dict():
            return {key: to_checkpoint(element, encrypt) for key, element in value.items()}
        case list():
            return [to_checkpoint(element, encrypt) for element in value]
        case Secret(value=inner):
            plaintext = json.dumps(to_checkpoint(inner, encrypt), separators=(",", ":"), ensure_ascii=False)
            return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": encrypt(plaintext)}
        case ResourceReference():
            return to_checkpoint(_reference_fields(value), encrypt)
        case _Unknown():
            return UNKNOWN_SENTINEL
        case float() if not math.isfinite(value):
            return {SIGNATURE: FLOAT_SIGNATURE, "value": struct.pack(">d", value).hex()}
        case _:
            return value


def from_checkpoint(value: Value, decrypt: Callable[[str], str] | None) -> Value:
    """The value that `to_checkpoint` wrote. Without `decrypt` a secret is there, but its content unknown."""
    match value:
        case dict():
            match value.get(SIGNATURE):
                case "1b47061264138c4ac30d75fd1eb44270":
                    return _secret_from_checkpoint(value, decrypt)
                case "5cf8f73096256a8f31e491e813e4eb8e":
                    identifier = from_checkpoint(value.get("id"), decrypt)
                    return ResourceReference(value["urn"], identifier, value.get("packageVersion", ""))
                case "8ad145fe-0d11-4827-bfd7-1abcbf086f5c":
                    return struct.unpack(">d", bytes.fromhex(value["value"]))[0]
            return {key: from_checkpoint(element, decrypt) for key, element in value.items()}
        case list():
            return [from_checkpoint(element, decrypt) for element in value]
        case str():
            return UNKNOWN if value == UNKNOWN_SENTINEL else value
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _secret_from_checkpoint(fields: Mapping[str, Any], decrypt: Callable[[str], str] | None) -> Secret:
    if "plaintext" in fields:
        return Secret(from_checkpoint(json.loads(fields["plaintext"]), decrypt))
    if decrypt is None:
        return Secret(UNKNOWN)
    return Secret(from_checkpoint(json.loads(decrypt(fields["ciphertext"])), decrypt))


def blind(value: Value) -> Value:
    """The value as people may see it: every secret is ``[secret]``, every unknown Pulumi's sentinel.

    Only the unknown id of a reference is empty, as it is in Pulumi.
    """
    match value:
        case Secret():
            return "[secret]"
        case dict():
            return {key: blind(element) for key, element in value.items()}
        case list():
            return [blind(element) for element in value]
        case ResourceReference():
            return {key: "" if element is UNKNOWN else element for key, element in _reference_fields(value).items()}
        case _Unknown():
            return UNKNOWN_SENTINEL
        case _:
            return value


def as_json(blinded: Value) -> Value:
    """What `blind` made, as the pulumi command prints it in JSON, which has neither NaN nor infinities."""
    return to_checkpoint(blinded, _refuse_secret)


def _refuse_secret(_: str) -> str:
    raise TypeError("a secret is to be blinded before it is printed")


def contains_unknowns(value: Value) -> bool:
    """Whether anything in the value is unknown."""
    match value:
        case _Unknown():
            return True
        case dict():
            return any(map(contains_unknowns, value.values()))
        case list():
            return any(map(contains_unknowns, value))
        case Secret(value=inner):
            return contains_unknowns(inner)
        case ResourceReference(id=identifier):
            return identifier is UNKNOWN
        case _:
            return False


def contains_secrets(value: Value) -> bool:
    """Whether anything in the value is secret."""
    match value:
        case Secret():
            return True
        case dict():
            return any(map(contains_secrets, value.values()))
        case list():
            return any(map(contains_secrets, value))
        case _:
            return False


def strip_secrets(value: Value) -> Value:
    """The value with the marks of secrets removed and their contents in the clear; for comparing, never for keeping."""
    match value:
        case Secret(value=inner):
            return strip_secrets(inner)
        case dict():
            return {key: strip_secrets(element) for key, element in value.items()}
        case list():
            return [strip_secrets(element) for element in value]
        case _:
            return value


def same(left: Value, right: Value) -> bool:
    """Deep equality as JSON has it: true is not 1, 1 is 1.0, unknown is unknown; a secret equals its plain value.

    NaN is NaN: a resource with one does not differ from itself forever.
    """
    if left is right:
        return True
    if isinstance(left, Secret) or isinstance(right, Secret):
        return same(strip_secrets(left), strip_secrets(right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict):
        if not isinstance(right, dict) or left.keys() != right.keys():
            return False
        return all(same(element, right[key]) for key, element in left.items())
    if isinstance(left, list):
        if not isinstance(right, list) or len(left) != len(right):
            return False
        return all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    return bool(left == right)


def parsed_text(value: Any) -> Any:
    """The content of a text that holds a JSON object or list, else None."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return None
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed if parsed and isinstance(parsed, dict | list) else None


def same_secrecy(left: Value, right: Value) -> bool:
    """Whether secrets stand in the same places of two values that are the same otherwise."""
    if isinstance(left, Secret) or isinstance(right, Secret):
        return isinstance(left, Secret) and isinstance(right, Secret)
    if isinstance(left, dict) and isinstance(right, dict):
        return all(same_secrecy(element, right.get(key)) for key, element in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return all(map(same_secrecy, left, right))
    return True


def assume_unchanged(old: Value, new: Value) -> Value:
    """`old` with whatever is unknown in it taken from the same place in `new`, where that has one."""
    match old:
        case _Unknown():
            return strip_secrets(new)
        case Secret(value=inner):
            return Secret(assume_unchanged(inner, new.value if isinstance(new, Secret) else new))
        case dict() if isinstance(new, dict):
            return {key: assume_unchanged(value, new[key]) if key in new else value for key, value in old.items()}
        case list() if isinstance(new, list) and len(old) == len(new):
            return list(map(assume_unchanged, old, new))
        case _:
            return old


def references(value: Value) -> Iterator[ResourceReference]:
    """Every resource reference within the value."""
    match value:
        case ResourceReference():
            yield value
        case dict():
            for element in value.values():
                yield from references(element)
        case list():
            for element in value:
                yield from references(element)
        case Secret(value=inner):
            yield from references(inner)


def identical(left: Value, right: Value) -> bool:
    """Deep equality that tells a secret from its plain value: whether both are recorded in the same words."""
    if isinstance(left, Secret) or isinstance(right, Secret):
        if not (isinstance(left, Secret) and isinstance(right, Secret)):
            return False
        return left is right or (left.value is not UNKNOWN and identical(left.value, right.value))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(identical(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(identical, left, right))
    return same(left, right)

"""Serving from a bundle: ``python -m trainyard_serving --bundle PLACE --signer FILE --private-key FILE ...``.

Away from the cloud, the signer's public key and the machine's private one stand in for the identity and the key
service; all else is as in the cloud. The bundle says how the model is served; what depends on the machine (where to
listen, on which ports, where to write) is said here.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from trainyard_artifacts.manifest import Manifest, problems_of
from trainyard_artifacts.specification import SpecificationError
from trainyard_serving.addresses import require_free_ports
from trainyard_serving.bundle import Bundle, decrypt_models, verify_bundle
from trainyard_serving.bundle_index import CONFIGURATION_FILE
from trainyard_serving.bundle_keys import PrivateKey, Purpose, read_private_key, read_public_key
from trainyard_serving.onnx_signature import require_signature
from trainyard_serving.process import serve_models
from trainyard_serving.release import Release
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import find_triton

_PORTS = ("http_port", "grpc_port", "metrics_port")


def serve_bundle(arguments: Sequence[str]) -> NoReturn:
    """Become the tritonserver of a bundle's models; does not return.

    Args:
        arguments: of the command line, after ``--bundle``.

    Raises:
        SystemExit: the arguments cannot be used; told on the standard error.
        SpecificationError: a key's file or a setting cannot be used.
        TritonUnavailableError, PortInUseError: nothing was decrypted.
        ArtifactError: the bundle is not whole, unaltered, signed by the signer and encrypted for this machine.
        UnservableModelError: nothing was written.
        OSError: the working directory cannot be written; what was written is removed.
    """
    chosen = argument_parser().parse_args(arguments)
    signer = read_public_key(chosen.signer, Purpose.SIGN)
    key = read_private_key(chosen.private_key, Purpose.DECRYPT, passphrase_file=chosen.passphrase_file)
    triton = find_triton(os.environ)
    bundle = verify_bundle(chosen.bundle, signer)
    machine = {name: getattr(chosen, name) for name in (*_PORTS, "listen_address") if getattr(chosen, name) is not None}
    specification = service_of(bundle, work_dir=str(chosen.work_dir.absolute()), **machine)
    require_free_ports(specification)
    configuration = bundle.files[CONFIGURATION_FILE].decode()
    serve_models(triton, specification, _servable(bundle, key, specification), configuration=configuration)


def service_of(bundle: Bundle, **machine: object) -> ServiceSpecification:
    """The bundle's settings, with what depends on the machine. Raises SpecificationError naming all that is wrong."""
    releases = [release.model_dump(mode="json") for release in bundle.index.releases]
    document = {**bundle.settings, "releases": releases, **machine}
    try:
        return ServiceSpecification.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise SpecificationError(f"{bundle.place} cannot be served: {problems_of(error)}") from None


def argument_parser() -> argparse.ArgumentParser:
    """What reads the arguments after ``--bundle``."""
    parser = argparse.ArgumentParser(prog="python -m trainyard_serving --bundle", allow_abbrev=False)
    parser.add_argument("bundle", type=Path, metavar="PLACE", help="the bundle's folder, or its .tar")
    parser.add_argument("--signer", type=Path, required=True, metavar="FILE", help="public key of who wrote it")
    parser.add_argument("--private-key", type=Path, required=True, metavar="FILE", help="this machine's private key")
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="its first line is the private key's, which else is asked"
    )
    parser.add_argument("--work-dir", type=Path, required=True, metavar="DIR", help="where to write; made if need be")
    parser.add_argument("--listen-address", metavar="IPV4", help="instead of 127.0.0.1")
    for name in _PORTS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N", help="instead of the bundle's")
    return parser


def _servable(
    bundle: Bundle, key: PrivateKey, specification: ServiceSpecification
) -> Iterator[tuple[Release, Manifest, bytes]]:
    for release, manifest, model in decrypt_models(bundle, key):
        require_signature(model, manifest.model)
        print(
            f"{specification.service}: version {release.version}: run {release.run} of {manifest.job}, {len(model)}"
            " bytes, verified and decrypted",
            flush=True,
        )
        yield release, manifest, model

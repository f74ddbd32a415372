"""Finding tritonserver, or saying why it cannot run here; its command line and variables."""

import platform
import sys
import venv
from pathlib import Path

import pytest

from trainyard_serving.release import Release
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import (
    ENVIRONMENT_VARIABLE,
    SHARED_MEMORY,
    Triton,
    closing_key,
    find_triton,
    remove_stale_shared_memory,
    server_arguments,
    server_environment,
    shared_memory_prefix,
    triton_unavailable_reason,
)

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TRITON = Triton(
    server=Path("/env/tritonserver/bin/tritonserver"),
    backend=Path("/env/tritonserver/backends/python"),
    stub=Path("/env/stub"),
    caches=Path("/env/tritonserver/caches"),
    environment=Path("/env"),
    python_library=Path("/python/lib/libpython3.11.so.1.0"),
    numpy="1.26.4",
    has_pillow=True,
)

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux anything but the platform is looked at")


def reason(environment: Path | None) -> str:
    found = triton_unavailable_reason({} if environment is None else {ENVIRONMENT_VARIABLE: str(environment)})
    assert found is not None
    assert "\n" not in found
    return found


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with what has to be there, made of empty stand-ins."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True, with_pip=False)
    packages = folder / "lib" / f"python{VERSION}" / "site-packages"
    root = packages / "pytriton" / "tritonserver"
    for name in ("numpy", "onnxruntime"):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").touch()
    (packages / "numpy-1.26.4.dist-info").mkdir()
    (packages / "numpy-1.26.4.dist-info" / "METADATA").write_text("Name: numpy\nVersion: 1.26.4\n")
    for program in (
        root / "bin" / "tritonserver",
        root / "python_backend_stubs" / VERSION / "triton_python_backend_stub",
    ):
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    return folder


@linux_only
def test_a_complete_environment_has_no_reason(environment: Path) -> None:
    assert triton_unavailable_reason({ENVIRONMENT_VARIABLE: str(environment)}) is None
    found = find_triton({ENVIRONMENT_VARIABLE: str(environment)})
    assert (found.numpy, found.has_pillow) == ("1.26.4", False)


def test_another_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert reason(None) == "tritonserver is built for Linux only, and this is Darwin"


@linux_only
@pytest.mark.parametrize(
    ("library", "expected"), [(("glibc", "2.31"), "this system has 2.31"), (("", ""), "another C library")]
)
def test_another_c_library(monkeypatch: pytest.MonkeyPatch, library: tuple[str, str], expected: str) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    assert expected in reason(None)


@linux_only
def test_no_environment(tmp_path: Path) -> None:
    assert reason(None).startswith(f"{ENVIRONMENT_VARIABLE} is not set")
    assert reason(tmp_path).endswith("there is no Python environment there")


@linux_only
def test_missing_packages_are_all_named(tmp_path: Path) -> None:
    venv.create(tmp_path / "empty", symlinks=True, with_pip=False)
    assert reason(tmp_path / "empty").endswith("lacks the packages numpy, onnxruntime")


@linux_only
def test_no_server(environment: Path) -> None:
    (server,) = environment.rglob("bin/tritonserver")
    server.unlink()
    assert reason(environment).endswith("bin/tritonserver is missing or not executable")


@linux_only
def test_no_backend_for_this_python(environment: Path) -> None:
    (stubs,) = environment.rglob("python_backend_stubs")
    (stubs / VERSION).rename(stubs / "3.8")
    (stubs / "3.10").mkdir()
    assert reason(environment).endswith(
        f"has Python {VERSION}, for which this tritonserver has no Python backend; it has 3.8, 3.10"
    )


@linux_only
def test_a_python_without_shared_library(environment: Path) -> None:
    (stub,) = environment.rglob("triton_python_backend_stub")
    message = "error while loading shared libraries: libpython3.9.so.1.0: cannot open shared object file"
    stub.write_text(f"#!/bin/sh\necho '{stub}: {message}' >&2\nexit 127\n")
    assert "does not load: libpython3.9.so.1.0: cannot open shared object file" in reason(environment)


@linux_only
def test_nvidias_image_is_found_where_the_environment_holds_no_server(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root,) = environment.rglob("pytriton/tritonserver")
    backend = root / "backends" / "python"
    backend.mkdir(parents=True)
    (root / "python_backend_stubs" / VERSION / "triton_python_backend_stub").rename(
        backend / "triton_python_backend_stub"
    )
    image = root.parent.rename(tmp_path / "opt") / "tritonserver"
    monkeypatch.setattr("trainyard_serving.triton.IMAGE_ROOT", image)
    found = find_triton({ENVIRONMENT_VARIABLE: str(environment)})
    assert found.server == image / "bin" / "tritonserver"
    assert found.stub == image / "backends" / "python" / "triton_python_backend_stub"
    assert found.caches == image / "caches"


def specification(work_dir: str = "/work", **changes: object) -> ServiceSpecification:
    document = {
        "service": "digits",
        "job": "digits",
        "releases": (Release(version=1, manifest_uri="s3://bucket/m/manifest.json", run="0123456789ab", percent=100),),
        "encryption_key_uri": "aws-kms://arn:aws:kms:us-east-1:123456789012:key/1",
        "model_name": "digits",
        "http_port": 18000,
        "grpc_port": 18001,
        "metrics_port": 18002,
        "work_dir": work_dir,
        "max_batch_size": 64,
        "queue_delay_microseconds": 500,
    }
    return ServiceSpecification.model_validate(document | changes)


def arguments_for(*models: str, **changes: object) -> list[str]:
    return server_arguments(
        TRITON,
        specification(**changes),  # type: ignore[arg-type]
        repository=Path("/work/r"),
        backends=Path("/work/b"),
        closing_key="a\nb",
        models=models,
    )


def test_the_command_line_serves_one_repository_on_the_given_address_and_ports() -> None:
    arguments = arguments_for()
    assert arguments[0] == "/env/tritonserver/bin/tritonserver"
    assert set(arguments) >= {
        "--model-repository=/work/r",
        "--backend-directory=/work/b",
        "--model-control-mode=none",
        "--exit-on-error=true",
        "--strict-readiness=true",
        "--exit-timeout-secs=30",
        "--http-address=127.0.0.1",
        "--grpc-address=127.0.0.1",
        "--metrics-address=127.0.0.1",
        "--http-port=18000",
        "--grpc-port=18001",
        "--metrics-port=18002",
    }


def test_endpoints_that_could_do_harm_are_closed_by_a_key_of_its_own_for_each_start() -> None:
    closed = "shared-memory,trace,logging:trainyard-closed=a\nb"
    assert {f"--http-restricted-api={closed}", f"--grpc-restricted-protocol={closed}"} <= set(arguments_for())
    keys = {closing_key() for _ in range(3)}
    assert len(keys) == 3
    assert all("\n" in key.strip() for key in keys)


def test_with_a_parent_models_are_controlled_over_the_unix_socket_for_http_only() -> None:
    arguments = arguments_for("digits", "digits-image", socket_dir="/run/s")
    assert set(arguments) >= {
        "--model-control-mode=explicit",
        "--load-model=digits",
        "--load-model=digits-image",
        "--http-address=unix:/run/s/http",
        "--grpc-address=unix:/run/s/grpc",
        "--metrics-address=unix:/run/s/metrics",
        "--grpc-restricted-protocol=model-repository:trainyard-closed=a\nb",
    }
    assert not [argument for argument in arguments if "127.0.0.1" in argument]


def test_there_is_a_cache_only_where_one_is_asked_for() -> None:
    assert not [argument for argument in arguments_for() if "cache" in argument]
    cached = arguments_for(response_cache_bytes=1_048_576)
    assert {"--cache-directory=/env/tritonserver/caches", "--cache-config=local,size=1048576"} <= set(cached)


def test_the_server_gets_no_credential_and_what_it_needs() -> None:
    found = server_environment(
        TRITON,
        {
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_SESSION_TOKEN": "x",
            "GOOGLE_APPLICATION_CREDENTIALS": "/x",
            "HOME": "/home/user",
            "PYTHONPATH": "/elsewhere",
            "PATH": "/usr/bin",
            "LD_LIBRARY_PATH": "/usr/local/cuda/lib",
            "NVIDIA_VISIBLE_DEVICES": "all",
            "TRAINYARD_PROCESS_FOLDER": "/work",
        },
        libraries=Path("/work/libraries"),
    )
    assert found == {
        "PATH": "/env/bin:/usr/bin",
        "LD_LIBRARY_PATH": "/work/libraries:/usr/local/cuda/lib",
        "NVIDIA_VISIBLE_DEVICES": "all",
        "TRAINYARD_PROCESS_FOLDER": "/work",
        "ORT_DISABLE_TELEMETRY": "1",
    }


@linux_only
def test_only_shared_memory_of_the_same_working_directory_is_removed(tmp_path: Path) -> None:
    mine, other = (SHARED_MEMORY / f"{shared_memory_prefix(str(tmp_path / name))}x" for name in ("mine", "other"))
    mine.touch()
    other.touch()
    try:
        remove_stale_shared_memory(str(tmp_path / "mine"))
        assert not mine.exists()
        assert other.exists()
    finally:
        mine.unlink(missing_ok=True)
        other.unlink(missing_ok=True)


def test_a_path_with_a_space_is_named_before_anything_starts(tmp_path: Path) -> None:
    reason = triton_unavailable_reason({"TRAINYARD_TRITON_VENV": str(tmp_path / "my clone" / ".venv-triton")})
    assert reason is not None
    # Elsewhere than on Linux the platform is the first reason.
    assert "has a space in its path" in reason or sys.platform != "linux"

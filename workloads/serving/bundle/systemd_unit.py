"""The systemd unit of a bundle, for a machine without containers. systemd.exec(5), systemd.service(5).

The service has a user of its own, which exists as long as it runs, and gets the private key from systemd, so that the
key's file belongs to root alone, or is sealed to the machine: nobody is there to type a passphrase.
"""

from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.specification import ServiceSpecification

UNIT_FILE = "trainyard-serving.service"
PYTHON = "/opt/trainyard/venv/bin/python"
"""Where the unit expects the environment with trainyard_serving."""

# Starting again changes nothing about these.
_FINAL = (
    ExitStatus.BAD_SPECIFICATION,
    ExitStatus.BAD_MODEL,
    ExitStatus.NO_TRITON,
    ExitStatus.ACCESS_REFUSED,
)


def unit_text(specification: ServiceSpecification, *, python: str = PYTHON) -> str:
    """The unit's text.

    Args:
        specification: of the service.
        python: the interpreter, by its absolute path without spaces.
    """
    final = " ".join(str(status.value) for status in _FINAL)
    # GPUs are devices. MemoryDenyWriteExecute= is left out: what compiles as it runs, as CUDA does, cannot have it.
    devices = "PrivateDevices=yes" if specification.device == "cpu" else "PrivateDevices=no"
    return f"""\
[Unit]
Description=Trainyard: model {specification.model_name} served by Triton
After=network.target

[Service]
Type=exec
ExecStart={python} -m trainyard_serving --bundle /opt/trainyard/bundle --signer /etc/trainyard/signer.pub \
--private-key %d/machine-key --work-dir %t/trainyard-serving/work
Environment=TRAINYARD_TRITON_VENV=/opt/trainyard/triton PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# In clear text, a file of root's alone. Sealed to the machine (systemd-creds encrypt --name=machine-key), it is
# loaded by a drop-in: LoadCredential= and LoadCredentialEncrypted=machine-key:/etc/trainyard/machine-key.sealed
LoadCredential=machine-key:/etc/trainyard/machine-key
RuntimeDirectory=trainyard-serving
RuntimeDirectoryMode=0700
Restart=on-failure
RestartSec=5
RestartPreventExitStatus={final}
KillMode=mixed
TimeoutStopSec={specification.drain_seconds + 10}

DynamicUser=yes
UMask=0077
# A core dump would have the model in clear text.
LimitCORE=0
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
{devices}
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
IPAddressDeny=any
IPAddressAllow=localhost

[Install]
WantedBy=multi-user.target
"""

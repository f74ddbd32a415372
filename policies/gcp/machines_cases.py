"""Cases of the rules for machines on Google Cloud."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.gcp import nodes
from policies.resources import Resource

ACCOUNT = made("gcp:serviceaccount/account:Account", "build")
TEMPLATE = nodes.MACHINES[1]


def machine(**properties: Any) -> Resource:
    """A machine of which only this is said."""
    return made(nodes.MACHINES[0], "build", {"machineType": "e2-small", **properties})


def entered(**metadata: str) -> Resource:
    """A machine with that metadata, whose names are written with underscores here."""
    return machine(metadata={name.replace("_", "-"): value for name, value in metadata.items()})


PROJECT_LOGIN = made(nodes.PROJECT_METADATA, "project", {"metadata": {"enable-oslogin": "TRUE"}})
PROJECT_LOGIN_ITEM = made(nodes.PROJECT_METADATA_ITEM, "login", {"key": "enable-oslogin", "value": "TRUE"})

KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/volumes"
ENCRYPTED = {"diskEncryptionKey": {"kmsKeySelfLink": KEY}}
NEW_KEY = made("gcp:kms/cryptoKey:CryptoKey", "volumes")

CASES = (
    Cases(
        nodes.machine_customer_managed_key,
        passing=[
            machine(bootDisk={"kmsKeySelfLink": KEY}),
            machine(bootDisk={"source": "disks/build"}),
            made(nodes.MACHINES[0], "build", {"bootDisk": {"kmsKeySelfLink": UNKNOWN}}, refers={"bootDisk": NEW_KEY}),
            made(nodes.DISKS[0], "data", {"size": 100, **ENCRYPTED}),
            made(TEMPLATE, "build", {"disks": [ENCRYPTED, {"source": "data"}, {"type": "SCRATCH"}]}),
        ],
        failing=[
            (machine(bootDisk={"initializeParams": {"size": 50}}), "boot disk has no key in Cloud KMS"),
            (made(nodes.DISKS[0], "data", {"size": 100}), "A disk has no key in Cloud KMS"),
            (
                made(TEMPLATE, "build", {"disks": [ENCRYPTED, {"sourceImage": "debian-cloud/debian-12"}]}),
                "A disk has no",
            ),
        ],
    ),
    Cases(
        nodes.machine_no_public_address,
        passing=[
            machine(networkInterfaces=[{"subnetwork": "nodes"}]),
            machine(networkInterfaces=[{"subnetwork": "nodes", "accessConfigs": []}]),
            made(nodes.FROM_ELSEWHERE[0], "build", {"sourceInstanceTemplate": "build"}),
        ],
        failing=[
            (machine(networkInterfaces=[{"subnetwork": "nodes", "accessConfigs": [{}]}]), "interface 0 has a public"),
            (
                machine(
                    networkInterfaces=[{"network": "a"}, {"network": "b", "accessConfigs": [{"natIp": "1.2.3.4"}]}]
                ),
                "interface 1 has a public",
            ),
            (
                made(TEMPLATE, "build", {"networkInterfaces": [{"ipv6AccessConfigs": [{"networkTier": "PREMIUM"}]}]}),
                "interface 0 has a public",
            ),
            *(
                (made(type_, "build", {"networkInterfaces": [{"accessConfigs": [{}]}]}), "interface 0 has a public")
                for type_ in nodes.FROM_ELSEWHERE
            ),
        ],
    ),
    Cases(
        nodes.machine_own_account,
        passing=[
            machine(),
            machine(serviceAccount={"email": "build@p.iam.gserviceaccount.com", "scopes": ["cloud-platform"]}),
            [
                ACCOUNT,
                made(
                    TEMPLATE,
                    "build",
                    {"serviceAccount": {"email": UNKNOWN}},
                    refers={"serviceAccount": ACCOUNT},
                ),
            ],
        ],
        failing=[
            (machine(serviceAccount={"scopes": ["cloud-platform"]}), "under the default service account"),
            (
                machine(serviceAccount={"email": "12345-compute@developer.gserviceaccount.com"}),
                "under the default service account",
            ),
        ],
    ),
    Cases(
        nodes.machine_shielded,
        passing=[machine(shieldedInstanceConfig={"enableSecureBoot": True})],
        failing=[
            (machine(), "enableSecureBoot is off"),
            (machine(shieldedInstanceConfig={"enableVtpm": True}), "enableSecureBoot is off"),
            (machine(shieldedInstanceConfig={"enableSecureBoot": True, "enableVtpm": False}), "enableVtpm is off"),
        ],
    ),
    Cases(
        nodes.machine_login_by_iam,
        passing=[
            entered(enable_oslogin="TRUE"),
            entered(enable_oslogin="true", ssh_keys="me:ssh-ed25519 AAAA"),
            entered(block_project_ssh_keys="TRUE"),
            [machine(), PROJECT_LOGIN],
            [machine(), PROJECT_LOGIN_ITEM],
        ],
        failing=[
            (machine(), "takes the SSH keys of the whole project"),
            (entered(ssh_keys="me:ssh-ed25519 AAAA", block_project_ssh_keys="TRUE"), "SSH keys in its metadata"),
            ([entered(enable_oslogin="FALSE"), PROJECT_LOGIN], "takes the SSH keys of the whole project"),
        ],
    ),
    Cases(
        nodes.machine_no_serial_port,
        passing=[machine(), entered(serial_port_enable="FALSE"), PROJECT_LOGIN, PROJECT_LOGIN_ITEM],
        failing=[
            (entered(serial_port_enable="TRUE"), "serial port can be connected to"),
            (entered(serial_port_enable="1"), "serial port can be connected to"),
            (made(nodes.PROJECT_METADATA, "p", {"metadata": {"serial-port-enable": "true"}}), "serial port"),
            (made(nodes.PROJECT_METADATA_ITEM, "p", {"key": "serial-port-enable", "value": "TRUE"}), "serial port"),
        ],
    ),
)

"""An account that looks after keys, and reads what they encrypt.

Caught by: gcp-key-duties-separated
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/data"

account = gcp.serviceaccount.Account("platform", account_id="platform")
gcp.kms.KeyRingIAMMember(
    "keeper",
    key_ring_id="projects/example-keys/locations/europe-west4/keyRings/training",
    role="roles/cloudkms.admin",
    member=account.member,
)
gcp.kms.CryptoKeyIAMMember("reader", crypto_key_id=KEY, role="roles/cloudkms.cryptoKeyDecrypter", member=account.member)

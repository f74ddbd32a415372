"""The format in which training hands a model to serving.

``storage`` reads and writes objects, ``envelope`` encrypts them under a key in a cloud's key management service,
``manifest`` describes what a finished run left behind, ``signature`` signs that, and ``fetch`` brings it back, verified
and decrypted. Training writes with the first four; serving and ``yard artifacts`` read with the last. ``specification``
reads the files that tell training and serving what to do.
"""

__version__ = "0.1.0"

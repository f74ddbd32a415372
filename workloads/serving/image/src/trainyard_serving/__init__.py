"""Serves a trained model with Triton: ``python -m trainyard_serving SERVICE.json``.

The model that a training run published is fetched with the identity of the process's environment, verified, decrypted
into memory, and handed to a real ``tritonserver``, which the process then becomes. In a cluster, fetching and serving
are two processes (``process``). ``predict`` is the client.
"""

__version__ = "0.1.0"

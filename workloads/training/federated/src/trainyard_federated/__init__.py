"""Federated averaging over sites that keep their data, by Flower.

Read ``specification`` first, then ``coordination``, which is the whole algorithm; ``server_app`` and ``client_app`` are
its two ends in Flower. ``python -m trainyard_federated FEDERATED.json`` runs all of it on one machine,
``trainyard_federated.server`` and ``trainyard_federated.site`` one part each on machines of their own.
"""

__version__ = "0.1.0"

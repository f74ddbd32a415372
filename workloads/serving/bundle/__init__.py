"""Writing bundles: a model, signed and encrypted for one machine, with all that is needed to serve it there.

``contents`` makes the files, among them those of ``compose`` and ``systemd_unit``; ``output`` puts them into a folder
or a ``.tar``. What reads, verifies and serves a bundle is ``trainyard_serving.bundle`` and its namesakes there.
"""

"""The networks, by name.

A model takes float32 ``(batch, *input_shape)``, raw values as the data set holds them, and returns logits
``(batch, labels)``; scaling is part of it, so whoever calls the exported model sends what a data set holds. What it
computes for an example must not depend on the others of its batch (no batch normalisation): a run then computes the
same on any number of workers, and can be trained with differential privacy.

A model of your own is one file: a class or function with ``@register_model("name")``, which the job file names as
``{"name": "name", "module": "your_module"}``.
"""

from trainyard_training.models.registry import DataShape, build_model, count_parameters, register_model

__all__ = ["DataShape", "build_model", "count_parameters", "register_model"]

"""The network that a service of the comparison serves: the package's own, with the weights of a file."""

import json
import os
from pathlib import Path

import torch
from torch import nn

from bench.peers import FOLDER_VARIABLE, SHAPE_FILE, WEIGHTS_FILE
from trainyard_training.choices import ModelChoice
from trainyard_training.models.registry import DataShape, build_model


def load_network() -> nn.Module:
    """The network in the folder that the environment names, to be evaluated only."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    shape = json.loads((folder / SHAPE_FILE).read_text(encoding="utf-8"))
    described = DataShape(tuple(shape["input_shape"]), shape["largest_value"], shape["labels"])
    network = build_model(ModelChoice(name=shape["model"]), described, seed=0)
    network.load_state_dict(torch.load(folder / WEIGHTS_FILE, weights_only=True))
    return network.eval()

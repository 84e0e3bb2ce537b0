"""The digit classifier beside the same network in torch (extra ``peers``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.case_studies.digits import Digits
from reference_impls.case_studies.extras import load
from reference_impls.mlp import gradients, loss
from reference_impls.parameters import Parameters


def torch_network(params: Parameters) -> Any:
    """The network of ``params`` as a torch ``Sequential`` of double precision: flatten, dense, relu, dense.

    Raises
    ------
    ModuleNotFoundError
        If torch is not installed.
    """
    torch = load("torch", "peers")
    modules: list[Any] = [torch.nn.Flatten()]
    for layer in params:
        linear = torch.nn.Linear(*layer["W"].shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer["W"].T.copy()))
            linear.bias.copy_(torch.from_numpy(layer["b"]))
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def torch_loss_and_gradients(params: Parameters, digits: Digits) -> tuple[float, Parameters]:
    """Torch's mean cross-entropy on ``digits`` and its gradients, in the structure of ``params``."""
    torch = load("torch", "peers")
    network = torch_network(params)
    logits = network(torch.from_numpy(digits.images.reshape(-1, 28, 28)))
    value = torch.nn.functional.cross_entropy(logits, torch.from_numpy(digits.labels))
    value.backward()
    linears = [module for module in network if isinstance(module, torch.nn.Linear)]
    found = [{"W": linear.weight.grad.numpy().T, "b": linear.bias.grad.numpy()} for linear in linears]
    return value.item(), found


def differences(params: Parameters, digits: Digits) -> dict[str, float]:
    """Relative differences from torch: of the loss, and of each gradient by its largest entry."""
    their_loss, theirs = torch_loss_and_gradients(params, digits)
    our_loss = float(loss(params, digits.images, digits.labels))
    found = {"loss": abs(our_loss - their_loss) / abs(their_loss)}
    for number, (our, their) in enumerate(
        zip(gradients(params, digits.images, digits.labels), theirs, strict=True), start=1
    ):
        for name in our:
            difference = np.max(np.abs(our[name] - their[name])) / np.max(np.abs(their[name]))
            found[f"{name}{number}"] = float(difference)
    return found

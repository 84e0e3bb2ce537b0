"""The model of `reference_impls.trainings.characters` in torch (extra ``peers``): same start, batches and optimiser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from reference_impls.case_studies.extras import load
from reference_impls.layers.layer import Array
from reference_impls.trainings.adam import fading
from reference_impls.trainings.progress import Advance, silent
from reference_impls.trainings.sums import Ids


def torch_losses(
    start: Mapping[str, Array],
    batches: Iterable[tuple[Ids, Ids]],
    *,
    steps: int,
    rate: float,
    advance: Advance = silent,
) -> Array:
    """Losses of torch's ``Embedding``, ``LSTM`` and ``Linear`` under its own Adam, one a step.

    Parameters
    ----------
    start
        The parameters of `characters.network` before its first step; copied.
    batches
        What to read and what to say, -1 where a line has ended; ``steps`` of them.
    steps, rate
        As in `characters.train`.

    Raises
    ------
    ModuleNotFoundError
        If torch is not installed.
    """
    torch = load("torch", "peers")
    functional = torch.nn.functional
    tensors = {name: torch.tensor(array) for name, array in start.items()}
    words, features = start["0.W"].shape
    units = len(start["1.Wh"])
    embedding = torch.nn.Embedding.from_pretrained(tensors["0.W"], freeze=False)
    lstm = torch.nn.LSTM(features, units, dtype=tensors["0.W"].dtype)
    linear = torch.nn.Linear(units, words, dtype=tensors["0.W"].dtype)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(tensors["1.Wx"].T)
        lstm.weight_hh_l0.copy_(tensors["1.Wh"].T)
        lstm.bias_ih_l0.copy_(tensors["1.b"])
        lstm.bias_hh_l0.zero_()  # torch adds two biases; one stays 0, so that there is one to learn, as here
        linear.weight.copy_(tensors["3.W"].T)
        linear.bias.copy_(tensors["3.b"])
    lstm.bias_hh_l0.requires_grad_(False)
    modules = torch.nn.ModuleList([embedding, lstm, linear])
    optimiser = torch.optim.Adam([p for p in modules.parameters() if p.requires_grad], rate)
    losses: list[float] = []
    for read, said in batches:
        logits = linear(lstm(embedding(torch.from_numpy(read)))[0])
        loss = functional.cross_entropy(
            logits.reshape(-1, words), torch.from_numpy(said).reshape(-1), ignore_index=-1
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = fading(rate, len(losses), steps)
        optimiser.step()
        losses.append(loss.item())
        advance(f"loss {losses[-1]:.4f}")
    return np.array(losses)

"""An LSTM learns sums in words, character by character: ``python -m reference_impls.trainings.characters``.

Beside it the same model in torch (extra ``peers``), from the same weights, through the same batches. The text is that
of `reference_impls.trainings.sums`, all but a tenth of its lines.

The two differ by roundings alone. Those of single precision stay so small for some hundred steps, and then grow from
step to step until the losses of single batches differ by per cents; the courses remain the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.case_studies.command import run
from reference_impls.case_studies.pictures import new_figure
from reference_impls.layers import embedding, linear, lstm
from reference_impls.layers.layer import Array, Layer, Sequential
from reference_impls.losses import softmax_cross_entropy
from reference_impls.trainings import chosen
from reference_impls.trainings.adam import Adam, fading, loss, loss_and_gradients
from reference_impls.trainings.command import optional, options
from reference_impls.trainings.progress import Advance, progress, silent
from reference_impls.trainings.sums import ALPHABET, END, LINES, LONGEST, Ids, encoded, known, least
from reference_impls.trainings.torch_characters import torch_losses

STEPS, BATCH, RATE = 2500, 32, 0.01
FEATURES, UNITS = 16, 64
CHOSEN = 2
"""The place of the layer of `network` that leaves out what stands behind the end of a line."""


def network(rng: np.random.Generator, units: int = UNITS, dtype: Any = np.float32) -> Sequential:
    """The model at its start: ids (time, lines) to logits (characters that are there, characters of the alphabet)."""
    size = len(ALPHABET)
    return Sequential(
        [
            Layer(
                embedding.forward, embedding.backward, embedding.initial_params(size, FEATURES, rng, dtype)
            ),
            Layer(lstm.forward, lstm.backward, lstm.initial_params(FEATURES, units, rng, dtype)),
            Layer(chosen.forward, chosen.backward, {}),
            Layer(linear.forward, linear.backward, linear.initial_params(units, size, rng, dtype)),
        ]
    )


def split(seed: int) -> tuple[list[str], list[str]]:
    """The lines to learn from, and a tenth of them all that is held out."""
    lines = [LINES[n] for n in np.random.default_rng((seed, 0)).permutation(len(LINES))]
    return lines[len(lines) // 10 :], lines[: len(lines) // 10]


def batches(lines: Sequence[str], steps: int, seed: int) -> Iterator[tuple[Ids, Ids]]:
    """For each step lines drawn by chance, encoded: the same ones for the same seed."""
    rng = np.random.default_rng((seed, 1))
    for _ in range(steps):
        yield encoded([lines[n] for n in rng.integers(0, len(lines), BATCH)])


def start(seed: int, units: int = UNITS) -> Sequential:
    """The model that a training with this seed starts from."""
    return network(np.random.default_rng((seed, 2)), units)


def leave_out(net: Sequential, said: Ids) -> Ids:
    """Tell the net which characters there are, and return those to say, one after another."""
    there = said >= 0
    net.layers[CHOSEN].settings["mask"] = there
    return said[there]


def train(
    net: Sequential,
    lines: Sequence[str],
    *,
    steps: int = STEPS,
    rate: float = RATE,
    seed: int = 0,
    advance: Advance = silent,
) -> Array:
    """Adam at a rate that fades to 0, which writes into the parameters of ``net``; the losses, one before each step."""
    optimiser = Adam(net.params)
    losses = np.empty(steps)
    for step, (read, said) in enumerate(batches(lines, steps, seed)):
        losses[step], grads = loss_and_gradients(net, read, leave_out(net, said))
        optimiser.step(grads, fading(rate, step, steps))
        advance(f"loss {losses[step]:.4f}")
    return losses


@dataclass(frozen=True)
class Score:
    """What a model knows of lines: its mean loss a character, and the share of sums that it gets right."""

    loss: float
    right: float


def score(net: Sequential, lines: Sequence[str]) -> Score:
    """Read each line up to each of its characters, and say the next.

    A sum is right if after ``is`` every character to the line's end is the likeliest: then the model, left to go on
    by itself from there, writes that very sum.
    """
    read, said = encoded(list(lines))
    labels = leave_out(net, said)
    logits = net.forward(read)
    wrong = np.zeros(said.shape, bool)
    wrong[said >= 0] = logits.argmax(axis=1) != labels
    asked = np.arange(len(said))[:, None] >= np.array([known(line) for line in lines])
    right = ~np.any(wrong & asked, axis=0)
    return Score(float(softmax_cross_entropy(logits, labels)), float(np.mean(right)))


def written(net: Sequential, beginning: str) -> str:
    """What the model writes after the beginning of a line: the likeliest character each time, to the line's end."""
    text = END + beginning
    for _ in range(LONGEST):
        read = np.array([[ALPHABET.index(character)] for character in text])
        leave_out(net, read)
        text += ALPHABET[net.forward(read)[-1].argmax()]
        if text.endswith(END):
            break
    return text[1 + len(beginning) :]


def draw(path: Path, possible: float, losses: Array, theirs: Array | None = None) -> Path:
    """Both losses, smoothed, over the least that is ``possible``, and how far they are apart; returns ``path``."""
    figure = new_figure(9, 3.6)
    left, right = figure.subplots(1, 2)
    window = max(1, len(losses) // 100)
    middle = np.arange(window, len(losses) + 1) - window / 2

    def smoothed(values: Array) -> Array:
        return np.convolve(values, np.ones(window) / window, "valid")

    if theirs is not None:
        left.plot(middle, smoothed(theirs), color="tab:orange", linewidth=4, alpha=0.5, label="torch")
        apart = np.abs(losses - theirs) / theirs
        right.plot(np.where(apart > 0, apart, np.nan), color="tab:gray", linewidth=0.5)
        right.set(title="|NumPy - torch| / torch", xlabel="step", yscale="log")
    else:
        right.set_axis_off()
    left.plot(middle, smoothed(losses), color="tab:blue", linewidth=1, label="NumPy, by hand")
    left.axhline(possible, color="black", linestyle=":", label="least possible")
    left.set(title="loss a character", xlabel="step", yscale="log")
    left.legend()
    figure.savefig(path)
    return path


def cases() -> list[Case]:
    """The gradients of the whole model, five units wide, at three lines of different length."""
    net = network(np.random.default_rng(21), 5, np.float64)
    read, said = encoded(["one plus one is two.", "ten plus zero is ten.", "six plus six is twelve."])

    labels = leave_out(net, said)

    def value(params: dict[str, Array]) -> Any:
        net.params = params
        return loss(net, read, labels)

    def gradients(params: dict[str, Array]) -> dict[str, Array]:
        net.params = params
        return loss_and_gradients(net, read, labels)[1]

    return [Case("trainings.characters/gradients", value, gradients, (net.params,))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train here and, where it is installed, in torch; print the figures, draw the picture."""
    given = options("characters", __doc__ or "", "steps", STEPS, arguments)
    lines, held_out = split(given.seed)
    net = start(given.seed)
    begin = perf_counter()
    with progress("NumPy", given.count) as advance:
        losses = train(net, lines, steps=given.count, seed=given.seed, advance=advance)
    print(f"NumPy: {given.count} steps in {perf_counter() - begin:.0f} s, seed {given.seed}", end=", ")
    print(f"loss {_last(losses):.4f}, least possible {least(lines):.4f}")
    found = score(net, held_out)
    print(f"held-out lines: loss {found.loss:.4f}, sums right {found.right:.1%} of {len(held_out):,}")
    for line in held_out[:3]:
        print(f"  {line[: known(line)]}| {written(net, line[: known(line)])}")
    theirs: list[Array] = []

    def compare() -> str:
        begin = perf_counter()
        with progress("torch", given.count) as advance:
            drawn = batches(lines, given.count, given.seed)
            first = start(given.seed).params
            theirs.append(torch_losses(first, drawn, steps=given.count, rate=RATE, advance=advance))
        apart = np.abs(losses - theirs[0]) / theirs[0]
        return (
            f"torch: {given.count} steps in {perf_counter() - begin:.0f} s, loss {_last(theirs[0]):.4f}\n"
            f"largest relative difference of the losses: {apart[:20].max():.0e} in the first 20 steps, "
            f"{apart.max():.0e} in all"
        )

    optional(compare)
    optional(lambda: draw(given.picture, least(lines), losses, *theirs))


def _last(losses: Array) -> float:
    """The mean over the last twentieth."""
    return float(losses[-max(1, len(losses) // 20) :].mean())


if __name__ == "__main__":
    run(main)

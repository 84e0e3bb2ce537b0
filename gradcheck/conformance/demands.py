"""What is demanded of a layer: repeatable, linear, free of aliases, fit for any batch, memory order and precision."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.anatomy.machine import draws
from gradcheck.anatomy.naming import is_statistic, is_training
from gradcheck.anatomy.places import Attribute, found, put, spelled, walk
from gradcheck.anatomy.pullback import layout_of
from gradcheck.ask import trees
from gradcheck.ask.callees import values_named
from gradcheck.conformance.bench import Bench, Gradients
from gradcheck.conformance.comparing import (
    alike,
    arrays_of,
    batched,
    cast,
    changed,
    demanded,
    exact,
    finite,
    is_float_array,
    pickled,
    rows,
    same,
    scaled,
)
from gradcheck.layer import check_layer


class DoesNotApply(Exception):
    """What is demanded has no meaning for this layer."""


def _repeatable(bench: Bench) -> None:
    if bench.draws_its_own:
        raise DoesNotApply("the layer keeps a generator: every pass draws anew")
    own = bench.fresh()
    same(bench.forward(own, bench.inputs)[0], bench.forward(own, bench.inputs)[0], "a second forward")


def _twice(bench: Bench) -> None:
    own = bench.fresh()
    output, ahead = bench.forward(own, bench.inputs)
    weights = [np.array(found(own, one.settable[0])) for one in bench.layout.parameters]
    first = bench.backward(own, bench.cotangent(output), ahead)
    second = bench.backward(own, bench.cotangent(output), ahead)
    parameters = {one.name for one in bench.layout.targets[: len(bench.layout.parameters)]}
    stored = {name for name in parameters if bench.layout.sources[name].places}
    after = [found(own, one.settable[0]) for one in bench.layout.parameters]
    if not all(map(np.array_equal, weights, after)):
        raise DoesNotApply("backward steps the weights, which are others the second time")
    same(
        {name: first[name] for name in first if name not in stored},
        {name: second[name] for name in second if name not in stored},
        "a second backward after one forward",
    )
    added = {name: bool(np.any(first[name])) and alike(2.0 * first[name], second[name]) for name in stored}
    kept_ = {name: alike(first[name], second[name]) for name in stored}
    accumulates = bench.accumulates if bench.accumulates is not None else any(added.values())
    wrong = [
        name for name in sorted(stored) if np.any(first[name]) and not (added if accumulates else kept_)[name]
    ]
    declared = "adds to" if accumulates else "overwrites"
    demanded(
        not wrong,
        f"a backward {declared} the gradients of parameters, but that of {', '.join(wrong[:1])} does not come out so",
    )


def _after_another(bench: Bench) -> None:
    if bench.draws_its_own:
        raise DoesNotApply("the layer keeps a generator: every pass draws anew")
    if bench.layout.steps:
        raise DoesNotApply("backward steps the weights, which are others in the second pass")
    others = changed(bench.inputs)
    # in another order other entries are masked, or the largest, too; lengths that must descend may have no other
    turned = trees.copied(rows(others, bench.batch, slice(None, None, -1)))
    with suppress(Exception):
        bench.forward(bench.fresh(), turned)
        others = turned
    right, own = bench.passed(bench.fresh(), bench.inputs), bench.fresh()
    first = bench.forward(own, others)[0]
    held = trees.copied(first)
    same(right, bench.passed(own, bench.inputs), "a pass after another forward")
    exact(held, first, "the output of the first forward changes in the second: they share memory")
    own = bench.fresh()
    bench.passed(own, others)
    bench.clear(own)
    same(right, bench.passed(own, bench.inputs), "a pass after another pass")


def _unchanged(bench: Bench) -> None:
    inputs = trees.copied(bench.inputs)
    own = bench.fresh()
    output, ahead = bench.forward(own, inputs)
    exact(bench.inputs, inputs, "forward writes into its inputs")
    cotangent = bench.cotangent(output)
    bench.backward(own, cotangent, ahead)
    exact(bench.inputs, inputs, "backward writes into the inputs")
    exact(bench.cotangent(output), cotangent, "backward writes into its cotangent")


def _inputs_not_kept(bench: Bench) -> None:
    own, inputs = bench.fresh(), trees.copied(bench.inputs)
    right = bench.passed(bench.fresh(), bench.inputs)[1]
    output, ahead = bench.forward(own, inputs)
    cotangent = bench.cotangent(output)
    for _, leaf in trees.leaves(inputs):
        if is_float_array(leaf):
            leaf *= 3.0
    again = tuple(  # what backward is given anew is as it was
        mine if any(is_float_array(leaf) for _, leaf in trees.leaves(mine)) else settings
        for mine, settings in zip(bench.inputs, ahead.inputs, strict=True)
    )
    came = bench.backward(own, cotangent, replace(ahead, inputs=again))
    demanded(
        alike(right, came),
        "forward keeps its input by reference: a caller who changes it before backward changes the gradients. Copy it "
        "(self.x = x.copy()), or leave this check out where no caller does, skip={'inputs not kept by reference'}",
    )


def _cotangent_not_kept(bench: Bench) -> None:
    own = bench.fresh()
    output, ahead = bench.forward(own, bench.inputs)
    cotangent = bench.cotangent(output)
    layout = bench.layout
    layout.machine.back(own, layout.convention.given(cotangent, ahead, own))
    held = {one.places[0]: one.held for one in arrays_of(own)}
    for _, leaf in trees.leaves(cotangent):
        if is_float_array(leaf):
            leaf *= 3.0
    places = {place for source in layout.sources.values() for place in source.places}
    for one in arrays_of(own):
        if one.places[0] in places and one.places[0] in held:
            exact(
                held[one.places[0]],
                one.array,
                "a gradient changes with the cotangent, which the caller changed",
            )


def _linear(bench: Bench) -> None:
    if bench.layout.convention.implied:
        raise DoesNotApply("backward takes no cotangent")
    once = bench.passed(bench.fresh(), bench.inputs)[1]
    thrice = bench.passed(bench.fresh(), bench.inputs, -3.0)[1]
    same(trees.map_leaves(lambda _, leaf: scaled(leaf, -3.0), once), thrice, "a cotangent -3 times as large")


_SEEING = " (say independent=False of a layer whose samples see each other)"


def _one_sample(bench: Bench) -> None:
    if not bench.batch:
        raise DoesNotApply("inputs and outputs have no axis of samples in common")
    output, gradients = bench.passed(bench.fresh(), rows(bench.inputs, bench.batch, slice(0, 1)))
    finite((output, gradients), "a batch of one")
    if bench.independent and not bench.random:
        whole = bench.forward(bench.fresh(), bench.inputs)[0]
        same(rows((whole,), bench.batch, slice(0, 1)), (output,), f"the first sample by itself{_SEEING}")
        _adds_up(bench)


def _adds_up(bench: Bench) -> None:
    """The gradients of a batch are those of its first sample and of the others together."""
    if bench.layout.convention.implied or bench.layout.steps or bench.batch < 2:
        return

    def passed(which: slice) -> Gradients:
        own, inputs = bench.fresh(), rows(bench.inputs, bench.batch, which)
        _, ahead = bench.forward(own, inputs)
        return bench.backward(own, rows((whole,), bench.batch, which)[0], ahead)

    whole = bench.cotangent(bench.forward(bench.fresh(), bench.inputs)[0])
    if any(np.ndim(leaf) == 0 for _, leaf in trees.leaves(whole)):
        return  # of an output that is no sample's (a determinant, a penalty) each part has the whole
    every, first, rest = passed(slice(None)), passed(slice(0, 1)), passed(slice(1, None))
    samples = {one.name for one in bench.layout.inputs if one.is_array and len(one.value) == bench.batch}
    sums = {
        name: np.concatenate(parts) if name in samples else parts[0] + parts[1]
        for name, parts in ((name, (first[name], rest[name])) for name in every)
        if all(map(is_float_array, (every[name], *parts)))
    }
    same({name: every[name] for name in sums}, sums, "the gradients, of the first sample and the others")


def _permuted(bench: Bench) -> None:
    if bench.random:
        raise DoesNotApply("the layer draws numbers, others for each sample")
    if not bench.batch:
        raise DoesNotApply("inputs and outputs have no axis of samples in common")
    order = np.random.default_rng(3).permutation(bench.batch)
    own = bench.fresh()
    output = bench.forward(bench.fresh(), bench.inputs)[0]
    shuffled = bench.forward(own, rows(bench.inputs, bench.batch, order))[0]
    same(rows((output,), bench.batch, order), (shuffled,), "the samples in another order")


def _samples(bench: Bench) -> None:
    if bench.batch < 2:
        raise DoesNotApply("there is no second sample")
    if bench.random:
        raise DoesNotApply("the layer draws numbers, others for each sample")
    if bench.independent is None:
        raise DoesNotApply("a layer with running statistics: say independent=True or False")

    def others(inputs: tuple[Any, ...]) -> Any:
        return rows((bench.forward(bench.fresh(), inputs)[0],), bench.batch, slice(1, None))

    before, after = others(bench.inputs), [*map(others, _with_another_first(bench))]
    if bench.independent:
        for one in after:
            same(before, one, f"another first sample changes the outputs of the others{_SEEING}")
    else:
        told = "the samples were to see each other, as in batch norm, and do not"
        demanded(not all(alike(before, one) for one in after), told)


_SUBSTITUTES = 8
"""Samples that are put in the place of the first: of other signs and sizes, and where forward is defined."""


def _with_another_first(bench: Bench) -> Iterator[tuple[Any, ...]]:
    moved = bench.inputs
    for leaf in filter(is_float_array, batched(moved)):
        leaf[0] = leaf[0] * 1.5 + 0.25
    yield moved
    for number in range(1, min(bench.batch, _SUBSTITUTES)):
        order = [number, *range(1, bench.batch)]
        yield rows(bench.inputs, bench.batch, order)


def _modes(bench: Bench) -> None:
    flags = [
        place
        for place, value in bench.parts()
        if isinstance(value, bool) and isinstance(place[-1], Attribute) and is_training(place[-1].name)
    ]
    if not flags:
        raise DoesNotApply(
            "the layer keeps no flag for training (where forward takes one, make these checks with each, as an input)"
        )
    for value in (True, False):
        own = bench.fresh()
        for flag in flags:
            put(own, flag, value)
        report = check_layer(own, *bench.inputs, params=bench.params, raise_on_failure=False)
        demanded(report.ok, f"with {spelled(flags[0])} = {value}:\n{report}")


def _state_untouched(bench: Bench) -> None:
    own = bench.fresh()
    output, ahead = bench.forward(own, bench.inputs)
    before = {one.places[0]: one.held for one in arrays_of(own) if is_statistic(one.places[0])}
    if not before:
        raise DoesNotApply("the layer keeps no running statistics")
    bench.backward(own, bench.cotangent(output), ahead)
    for one in arrays_of(own):
        if one.places[0] in before:
            exact(before[one.places[0]], one.array, f"backward changes {one.places[0][-1]}")


def _precision(bench: Bench) -> None:
    scalars = {one.places[0] for one in bench.layout.parameters}
    for dtype in (np.float64, np.float32):
        own = bench.fresh()
        if own is not None:
            for one in arrays_of(own):
                if is_float_array(one.array) or (
                    one.places[0] in scalars and isinstance(one.array, np.floating)
                ):
                    for place in one.settable:
                        put(own, place, one.array.astype(dtype))
        inputs = cast(bench.inputs, dtype)
        output, ahead = bench.forward(own, inputs)
        gradients = bench.backward(own, bench.cotangent(output), ahead)
        for what, tree in {"the output": output, **gradients}.items():
            for _, leaf in trees.leaves(tree):
                came = np.asarray(leaf).dtype
                demanded(
                    not isinstance(leaf, np.ndarray) or came == dtype,
                    f"{what} is {came} where inputs and parameters are {np.dtype(dtype)}",
                )


def _empty(bench: Bench) -> None:
    if not bench.batch:
        raise DoesNotApply("inputs and outputs have no axis of samples in common")
    inputs = rows(bench.inputs, bench.batch, slice(0, 0))
    output, gradients = bench.passed(bench.fresh(), inputs)
    for leaf in batched((output,)):
        demanded(len(leaf) == 0, f"of an empty batch {len(leaf)} outputs came")
    finite(gradients, "an empty batch")


def _orders(bench: Bench) -> None:
    right = bench.passed(bench.fresh(), bench.inputs)
    same(right, bench.passed(bench.fresh(), _in_fortran_order(bench.inputs)), "inputs in Fortran order")
    own = bench.fresh()
    output, ahead = bench.forward(own, bench.inputs)
    came = bench.backward(own, _in_fortran_order(bench.cotangent(output)), ahead)
    same(right[1], came, "a cotangent in Fortran order")


def _in_fortran_order(tree: Any) -> Any:
    return trees.map_leaves(
        lambda _, leaf: np.asfortranarray(leaf) if isinstance(leaf, np.ndarray) else leaf, tree
    )


def _copies(bench: Bench) -> None:
    if bench.layout.machine.layer is None:
        raise DoesNotApply("two functions keep nothing")
    used = bench.fresh()
    bench.passed(used, bench.inputs)
    right = bench.passed(bench.fresh(), bench.inputs)
    for how, remake in (
        ("copy.deepcopy", copy.deepcopy),
        ("pickle", pickled),
    ):
        try:
            own = remake(bench.fresh())
            remake(used)
        except Exception as error:
            raise AssertionError(f"{how} fails: {type(error).__name__}: {error}") from error
        same(right, bench.passed(own, bench.inputs), f"a layer that went through {how}")


def _seeded(bench: Bench) -> None:
    machine, state = replace(bench.layout.machine, draws=None), draws()
    outputs = []
    for _ in range(2):
        state.repeat()
        own = bench.fresh()
        outputs.append(bench.layout.convention.outputs.of(machine.ahead(own, bench.inputs).result, own))
    if not bench.random and alike(*outputs):
        raise DoesNotApply("the layer draws no numbers")
    same(outputs[0], outputs[1], "the same seed")


def _instances(bench: Bench) -> None:
    if bench.layout.machine.layer is None:
        raise DoesNotApply("two functions keep nothing")
    one, other = (layout_of(bench.make(), bench.inputs).machine.layer for _ in range(2))
    used = bench.fresh()
    bench.passed(used, bench.inputs)
    others = {id(value) for _, value in walk(other, lambda name: False)}
    for place, value in walk(one, lambda name: False):
        if isinstance(value, dict | list) and id(value) in others:
            filled = _held(found(used, place)) != _held(value)
            demanded(not filled, f"two instances share {spelled(place)}, into which a pass writes")
    _between(bench)
    bench.layout.machine.ahead(one, bench.inputs)
    bench.layout.machine.ahead(other, bench.inputs)
    lent = [
        *batched(bench.inputs),
        *batched(tuple(values_named(bench.make).values())),
    ]  # it is the caller's to share
    theirs = batched([part.array for part in arrays_of(other)])
    for mine in arrays_of(one):
        if isinstance(mine.array, np.ndarray) and not any(
            np.may_share_memory(leaf, mine.array) for leaf in lent
        ):
            demanded(
                not any(np.shares_memory(mine.array, array) for array in theirs),
                f"two instances share {mine.places[0][-1]}",
            )


def _between(bench: Bench) -> None:
    """What instances keep in common outside them, in a global say, is what the last pass of any left there."""
    right, own = bench.passed(bench.fresh(), bench.inputs)[1], bench.fresh()
    output, ahead = bench.forward(own, bench.inputs)
    bench.passed(bench.fresh(), changed(bench.inputs))
    came = bench.backward(own, bench.cotangent(output), ahead)
    same(right, came, "a pass of another instance between forward and backward")


def _held(container: Any) -> tuple[int, int]:
    """How much a dict or list holds, and how many arrays among it."""
    children = [*(container.values() if isinstance(container, dict) else container)]
    return len(children), sum(isinstance(child, np.ndarray) for child in children)


DEMANDS: dict[str, Callable[[Bench], None]] = {
    "forward is repeatable": _repeatable,
    "backward twice": _twice,
    "backward after another forward": _after_another,
    "inputs and cotangent unchanged": _unchanged,
    "inputs not kept by reference": _inputs_not_kept,
    "cotangent not kept by reference": _cotangent_not_kept,
    "linear in the cotangent": _linear,
    "batch of one": _one_sample,
    "permuted batch": _permuted,
    "samples independent": _samples,
    "train and eval": _modes,
    "statistics untouched by backward": _state_untouched,
    "dtype in is dtype out": _precision,
    "empty batch": _empty,
    "memory order": _orders,
    "copies": _copies,
    "seeded randomness": _seeded,
    "instances share nothing": _instances,
}

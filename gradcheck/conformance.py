"""What a layer must be besides right: repeatable, linear, free of aliases, fit for any batch, order and precision."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.anatomy.machine import draws
from gradcheck.anatomy.naming import is_given, is_training
from gradcheck.anatomy.parameters import Kept, kept, zeroed
from gradcheck.anatomy.passes import cotangent_like
from gradcheck.anatomy.places import fields, found, put
from gradcheck.anatomy.pullback import layout_of
from gradcheck.ask import trees
from gradcheck.ask.calls import undisturbed
from gradcheck.layer import check_layer

Gradients = dict[str, Any]


@dataclass(frozen=True)
class LayerCheck:
    """One check of a layer, to be called: an AssertionError says what is wrong.

    ``name`` is what pytest shows.
    """

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Run it.

        Raises
        ------
        AssertionError
            The layer is not as it should be.
        """
        __tracebackhide__ = True
        with undisturbed():
            try:
                self.run()
            except (AssertionError, ImportError):
                raise
            except Exception as error:
                raise AssertionError(f"{self.name}: raised {type(error).__name__}: {error}") from error

    @property
    def __name__(self) -> str:
        return self.name.replace(" ", "_")


def layers(make_layer: Callable[[], Any], *inputs: Any, **keywords: Any) -> Any:
    """Give a test a ``check`` for each of `layer_checks`, whose arguments these are.

    ::

        @gradcheck.layers(lambda: Dense(3, 2), x)
        def test_dense(check):
            check()
    """
    import pytest

    checks = list(layer_checks(make_layer, *inputs, **keywords))
    return pytest.mark.parametrize("check", checks, ids=[check.name for check in checks])


def layer_checks(
    make_layer: Callable[[], Any],
    *inputs: Any,
    params: Mapping[str, Any] | None = None,
    accumulates: bool | None = None,
    independent: bool | None = None,
    skip: Collection[str] = (),
) -> Iterator[LayerCheck]:
    """Yield the checks that every layer should pass, each to be called by itself.

    Parameters
    ----------
    make_layer
        ``make_layer()`` -> a new layer, as `gradcheck.check_layer` takes it.
    *inputs
        What ``forward`` takes; the first axis is that of the batch.
    params
        As for `gradcheck.check_layer`.
    accumulates
        Whether a second backward adds to the gradients of the parameters; None where either will do.
    independent
        Whether the samples of a batch do not see each other; None to expect it of all but a layer with running
        statistics.
    skip
        Names of checks to leave out.

    Raises
    ------
    TypeError
        ``make_layer`` cannot be called, or makes no layer.
    ValueError
        ``skip`` names no check.
    """
    if not callable(make_layer):
        raise TypeError(f"make_layer must be callable and return a new layer, got {make_layer!r}")
    strange = sorted({*skip} - {*_CHECKS, _DERIVATIVE})
    if strange:
        raise ValueError(
            f"skip names {strange[0]!r}, which is no check: {', '.join((_DERIVATIVE, *_CHECKS))}"
        )

    def derivative() -> None:
        check_layer(make_layer(), *inputs, params=params)

    if _DERIVATIVE not in skip:
        yield LayerCheck(_DERIVATIVE, derivative)
    for name, check in _CHECKS.items():
        if name not in skip:

            def run(check: Callable[[Bench], None] = check) -> None:
                check(_bench(make_layer, inputs, params, accumulates, independent))

            yield LayerCheck(name, run)


@dataclass(frozen=True)
class Bench:
    """A layer on the bench: how it is run, on what, and what is expected of it."""

    make: Callable[[], Any]
    layout: Any
    inputs: tuple[Any, ...]
    accumulates: bool | None
    independent: bool | None

    def fresh(self) -> Any:
        """A copy of the layer, its gradients zero."""
        own = self.layout.machine.fresh()
        places = {source.place for source in self.layout.sources.values()}
        if own is not None:
            zeroed(own, [one for one in kept(own) if places & {*one.places}])
        return own

    def forward(self, own: Any, inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        """The output, and what forward returned."""
        result = self.layout.machine.ahead(own, inputs)
        return self.layout.convention.outputs.of(result, own), result

    def backward(self, own: Any, cotangent: Any, result: Any, inputs: tuple[Any, ...]) -> Gradients:
        """Copies of the gradients by what they are of."""
        layout = self.layout
        before = {
            one.name: np.array(found(own, part.settable[0]))
            for one, part in zip(layout.targets, layout.parameters, strict=False)
        }
        came = layout.machine.back(own, layout.convention.given(cotangent, result, own, inputs))
        return {
            name: trees.map_leaves(lambda _, leaf: copy.copy(leaf), source.of(came, own, before.get(name)))
            for name, source in layout.sources.items()
        }

    def passed(self, own: Any, inputs: tuple[Any, ...], factor: float = 1.0) -> tuple[Any, Gradients]:
        """Output and gradients of one pass, for a cotangent drawn by the shape of the output."""
        output, result = self.forward(own, inputs)
        return output, self.backward(own, self.cotangent(output, factor), result, inputs)

    def cotangent(self, output: Any, factor: float = 1.0) -> Any:
        """The same for outputs of the same shape."""
        return trees.map_leaves(lambda path, leaf: _scaled(cotangent_like(path, leaf), factor), output)

    @property
    def batch(self) -> int:
        """Samples in the batch; 0 where inputs and outputs have no such axis in common."""
        output, _ = self.forward(self.fresh(), self.inputs)
        lengths = {len(leaf) for leaf in (*_batched(self.inputs), *_batched((output,)))}
        return lengths.pop() if len(lengths) == 1 and _batched((output,)) else 0

    @property
    def random(self) -> bool:
        """Whether the layer draws numbers, from a generator of its own or from everybody's."""
        return self.layout.machine.draws is not None or self.draws_its_own

    @property
    def draws_its_own(self) -> bool:
        """Whether it keeps a generator."""
        layer = self.layout.machine.layer
        return layer is not None and any(isinstance(one, _GENERATORS) for one in fields(layer).values())


_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)


def _bench(
    make: Callable[[], Any],
    inputs: tuple[Any, ...],
    params: Mapping[str, Any] | None,
    accumulates: bool | None,
    independent: bool | None,
) -> Bench:
    layout = layout_of(make(), inputs, params)
    assert layout.ran, "forward or backward raised: see the check of the derivative"
    statistics = any("running" in name or "moving" in name for name in layout.given)
    expected = None if statistics else True
    return Bench(make, layout, inputs, accumulates, expected if independent is None else independent)


# --- the checks -----------------------------------------------------------------------------------------------


def _repeatable(bench: Bench) -> None:
    if bench.draws_its_own:
        return
    own = bench.fresh()
    _same(bench.forward(own, bench.inputs)[0], bench.forward(own, bench.inputs)[0], "a second forward")


def _twice(bench: Bench) -> None:
    own = bench.fresh()
    output, result = bench.forward(own, bench.inputs)
    first = bench.backward(own, bench.cotangent(output), result, bench.inputs)
    second = bench.backward(own, bench.cotangent(output), result, bench.inputs)
    parameters = {one.name for one in bench.layout.targets[: len(bench.layout.parameters)]}
    stored = {name for name in parameters if bench.layout.sources[name].place is not None}
    if any(not np.array_equal(one.held, found(own, one.settable[0])) for one in bench.layout.parameters):
        return  # backward steps the weights, which are others now
    _same(
        {name: first[name] for name in first if name not in stored},
        {name: second[name] for name in second if name not in stored},
        "a second backward after one forward",
    )
    added = {name: bool(np.any(first[name])) and _alike(2.0 * first[name], second[name]) for name in stored}
    kept_ = {name: _alike(first[name], second[name]) for name in stored}
    accumulates = bench.accumulates if bench.accumulates is not None else any(added.values())
    wrong = [
        name for name in sorted(stored) if np.any(first[name]) and not (added if accumulates else kept_)[name]
    ]
    declared = "adds to" if accumulates else "overwrites"
    assert not wrong, (
        f"a backward {declared} the gradients of parameters, but that of {wrong[0]} does not come out so"
    )


def _after_another(bench: Bench) -> None:
    if bench.draws_its_own:
        return
    own = bench.fresh()
    bench.forward(own, _changed(bench.inputs))
    _same(
        bench.passed(bench.fresh(), bench.inputs),
        bench.passed(own, bench.inputs),
        "a pass after another forward",
    )


def _unchanged(bench: Bench) -> None:
    inputs = _copied(bench.inputs)
    own = bench.fresh()
    output, result = bench.forward(own, inputs)
    _exact(bench.inputs, inputs, "forward writes into its inputs")
    cotangent = bench.cotangent(output)
    bench.backward(own, cotangent, result, inputs)
    _exact(bench.inputs, inputs, "backward writes into the inputs")
    _exact(bench.cotangent(output), cotangent, "backward writes into its cotangent")


def _inputs_not_kept(bench: Bench) -> None:
    own, inputs = bench.fresh(), _copied(bench.inputs)
    right = bench.passed(bench.fresh(), bench.inputs)[1]
    output, result = bench.forward(own, inputs)
    cotangent = bench.cotangent(output)
    for _, leaf in trees.leaves(inputs):
        if _is_float_array(leaf):
            leaf *= 3.0
    came = bench.backward(own, cotangent, result, bench.inputs)
    assert _alike(right, came), (
        "forward keeps its input by reference: a caller who changes it before backward changes the gradients. Copy it "
        "(self.x = x.copy()), or leave this check out where no caller does, skip={'inputs not kept by reference'}"
    )


def _cotangent_not_kept(bench: Bench) -> None:
    own = bench.fresh()
    output, result = bench.forward(own, bench.inputs)
    cotangent = bench.cotangent(output)
    layout = bench.layout
    layout.machine.back(own, layout.convention.given(cotangent, result, own, bench.inputs))
    held = {one.places[0]: one.held for one in _arrays(own)}
    for _, leaf in trees.leaves(cotangent):
        if _is_float_array(leaf):
            leaf *= 3.0
    places = {source.place for source in layout.sources.values()} - {None}
    for one in _arrays(own):
        if one.places[0] in places and one.places[0] in held:
            _exact(
                held[one.places[0]],
                one.array,
                "a gradient changes with the cotangent, which the caller changed",
            )


def _linear(bench: Bench) -> None:
    once = bench.passed(bench.fresh(), bench.inputs)[1]
    thrice = bench.passed(bench.fresh(), bench.inputs, -3.0)[1]
    if not bench.layout.convention.implied:
        _same(
            trees.map_leaves(lambda _, leaf: _scaled(leaf, -3.0), once),
            thrice,
            "a cotangent -3 times as large",
        )


def _one_sample(bench: Bench) -> None:
    if not bench.batch:
        return
    output, gradients = bench.passed(bench.fresh(), _rows(bench.inputs, bench.batch, slice(0, 1)))
    _finite((output, gradients), "a batch of one")
    if bench.independent and not bench.random:
        whole = bench.forward(bench.fresh(), bench.inputs)[0]
        _same(_rows((whole,), bench.batch, slice(0, 1)), (output,), "the first sample by itself")


def _permuted(bench: Bench) -> None:
    if not bench.batch or bench.random:
        return
    order = np.random.default_rng(3).permutation(bench.batch)
    own = bench.fresh()
    output = bench.forward(bench.fresh(), bench.inputs)[0]
    shuffled = bench.forward(own, _rows(bench.inputs, bench.batch, order))[0]
    _same(_rows((output,), bench.batch, order), (shuffled,), "the samples in another order")


def _samples(bench: Bench) -> None:
    if bench.batch < 2 or bench.random or bench.independent is None:
        return
    other = _copied(bench.inputs)
    for leaf in filter(_is_float_array, _batched(other)):
        leaf[0] = leaf[0] * 1.5 + 0.25
    rest = slice(1, None)
    before = _rows((bench.forward(bench.fresh(), bench.inputs)[0],), bench.batch, rest)
    after = _rows((bench.forward(bench.fresh(), other)[0],), bench.batch, rest)
    if bench.independent:
        _same(before, after, "another first sample changes the outputs of the others")
    else:
        assert not _alike(before, after), "the samples were to see each other, as in batch norm, and do not"


def _modes(bench: Bench) -> None:
    layer = bench.layout.machine.layer
    flags = [name for name, value in fields(layer).items() if isinstance(value, bool) and is_training(name)]
    for flag in flags if layer is not None else ():
        for value in (True, False):
            own = bench.fresh()
            setattr(own, flag, value)
            report = check_layer(own, *bench.inputs, raise_on_failure=False)
            assert report.verdict != "fail", f"with {flag} = {value}:\n{report}"


def _state_untouched(bench: Bench) -> None:
    own = bench.fresh()
    output, result = bench.forward(own, bench.inputs)
    before = {one.places[0]: one.held for one in _arrays(own) if is_given(one.places[0])}
    bench.backward(own, bench.cotangent(output), result, bench.inputs)
    for one in _arrays(own):
        if one.places[0] in before:
            _exact(before[one.places[0]], one.array, f"backward changes {one.places[0][-1]}")


def _precision(bench: Bench) -> None:
    for dtype in (np.float64, np.float32):
        own = bench.fresh()
        if own is not None:
            for one in _arrays(own):
                if _is_float_array(one.array):
                    for place in one.settable:
                        put(own, place, one.array.astype(dtype))
        inputs = _cast(bench.inputs, dtype)
        output, result = bench.forward(own, inputs)
        gradients = bench.backward(own, bench.cotangent(output), result, inputs)
        for what, tree in {"the output": output, **gradients}.items():
            for _, leaf in trees.leaves(tree):
                came = np.asarray(leaf).dtype
                assert not isinstance(leaf, np.ndarray) or came == dtype, (
                    f"{what} is {came} where inputs and parameters are {np.dtype(dtype)}"
                )


def _empty(bench: Bench) -> None:
    if not bench.batch:
        return
    inputs = _rows(bench.inputs, bench.batch, slice(0, 0))
    output, gradients = bench.passed(bench.fresh(), inputs)
    for leaf in _batched((output,)):
        assert len(leaf) == 0, f"of an empty batch {len(leaf)} outputs came"
    _finite(gradients, "an empty batch")


def _orders(bench: Bench) -> None:
    fortran = trees.map_leaves(
        lambda _, leaf: np.asfortranarray(leaf) if isinstance(leaf, np.ndarray) else leaf, bench.inputs
    )
    _same(
        bench.passed(bench.fresh(), bench.inputs),
        bench.passed(bench.fresh(), fortran),
        "inputs in Fortran order",
    )


def _copies(bench: Bench) -> None:
    if bench.layout.machine.layer is None:
        return
    used = bench.fresh()
    bench.passed(used, bench.inputs)
    right = bench.passed(bench.fresh(), bench.inputs)
    for how, remake in (
        ("copy.deepcopy", copy.deepcopy),
        ("pickle", _pickled),
    ):
        try:
            own = remake(bench.fresh())
            remake(used)
        except Exception as error:
            raise AssertionError(f"{how} fails: {type(error).__name__}: {error}") from error
        _same(right, bench.passed(own, bench.inputs), f"a layer that went through {how}")


def _seeded(bench: Bench) -> None:
    if not bench.random:
        return
    machine, state = replace(bench.layout.machine, draws=None), draws()
    outputs = []
    for _ in range(2):
        state.repeat()
        own = bench.fresh()
        outputs.append(bench.layout.convention.outputs.of(machine.ahead(own, bench.inputs), own))
    _same(outputs[0], outputs[1], "the same seed")


def _instances(bench: Bench) -> None:
    if bench.layout.machine.layer is None:
        return
    one, other = (layout_of(bench.make(), bench.inputs).machine.layer for _ in range(2))
    bench.layout.machine.ahead(one, bench.inputs)
    bench.layout.machine.ahead(other, bench.inputs)
    for mine in _arrays(one):
        for theirs in _arrays(other):
            both = isinstance(mine.array, np.ndarray) and isinstance(theirs.array, np.ndarray)
            given = any(
                isinstance(leaf, np.ndarray) and np.may_share_memory(leaf, mine.array)
                for _, leaf in trees.leaves(bench.inputs)
            )
            assert not both or given or not np.shares_memory(mine.array, theirs.array), (
                f"two instances share {mine.places[0][-1]}"
            )


_DERIVATIVE = "derivative"
_CHECKS: dict[str, Callable[[Bench], None]] = {
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


# --- comparing ------------------------------------------------------------------------------------------------


def _arrays(own: Any) -> tuple[Kept, ...]:
    return () if own is None else kept(own)


def _is_float_array(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def _scaled(leaf: Any, factor: float) -> Any:
    if leaf is None or factor == 1.0:
        return leaf
    return np.asarray(np.asarray(leaf) * factor, dtype=np.asarray(leaf).dtype)[()]


def _cast(tree: Any, dtype: Any) -> Any:
    return trees.map_leaves(lambda _, leaf: leaf.astype(dtype) if _is_float_array(leaf) else leaf, tree)


def _pickled(one: Any) -> Any:
    return pickle.loads(pickle.dumps(one))


def _copied(tree: Any) -> Any:
    return trees.map_leaves(lambda _, leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, tree)


def _changed(tree: Any) -> Any:
    return trees.map_leaves(lambda _, leaf: leaf * 1.25 + 0.1 if _is_float_array(leaf) else leaf, tree)


def _batched(tree: Any) -> list[np.ndarray]:
    """The arrays that have an axis of samples."""
    return [leaf for _, leaf in trees.leaves(tree) if isinstance(leaf, np.ndarray) and leaf.ndim]


def _rows(tree: Any, batch: int, which: Any) -> Any:
    return trees.map_leaves(
        lambda _, leaf: (
            leaf[which] if isinstance(leaf, np.ndarray) and leaf.ndim and len(leaf) == batch else leaf
        ),
        tree,
    )


def _alike(one: Any, other: Any) -> bool:
    """Whether two trees are one to the rounding of sums in another order."""
    pairs = list(zip(trees.leaves(one), trees.leaves(other), strict=False))
    for (_, a), (_, b) in pairs:
        if a is None or b is None:
            if a is not b:
                return False
            continue
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return False
        unit = max((float(np.finfo(x.dtype).eps) for x in (a, b) if x.dtype.kind == "f"), default=0.0)
        largest = float(np.max(np.abs(a), initial=0.0))
        if not np.allclose(a, b, rtol=1e3 * unit, atol=1e3 * unit * largest, equal_nan=True):
            return False
    return True


def _same(wanted: Any, came: Any, when: str) -> None:
    __tracebackhide__ = True
    assert _alike(wanted, came), (
        f"{when}: something else comes out\n  wanted {_few(wanted)}\n  came   {_few(came)}"
    )


def _exact(wanted: Any, came: Any, message: str) -> None:
    __tracebackhide__ = True
    for (_, a), (_, b) in zip(trees.leaves(wanted), trees.leaves(came), strict=True):
        assert np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"), message


def _finite(tree: Any, when: str) -> None:
    __tracebackhide__ = True
    for _, leaf in trees.leaves(tree):
        assert leaf is None or np.isfinite(np.asarray(leaf)).all(), f"{when}: not every number is finite"


def _few(tree: Any) -> str:
    with np.printoptions(precision=6, threshold=6, edgeitems=2):
        return str(tree).replace("\n", " ")[:200]

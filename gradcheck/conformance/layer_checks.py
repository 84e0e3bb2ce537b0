"""The checks of a layer by name, for a loop or for pytest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from gradcheck.ask.calls import undisturbed
from gradcheck.conformance.bench import Bench, bench_of
from gradcheck.conformance.demands import DEMANDS, DoesNotApply
from gradcheck.layer import check_layer

_DERIVATIVE = "derivative"


@dataclass(frozen=True)
class LayerCheck:
    """One check of a layer, to be called: an AssertionError says what is wrong.

    ``name`` is what pytest shows.
    """

    name: str
    run: Callable[[], None]

    def __call__(self) -> str:
        """Run it.

        Returns
        -------
        str
            Why the check does not apply to this layer; "" where it was made.

        Raises
        ------
        AssertionError
            The layer is not as it should be.
        """
        __tracebackhide__ = True
        with undisturbed():
            try:
                self.run()
            except DoesNotApply as reason:
                return str(reason)
            except (AssertionError, ImportError):
                raise
            except Exception as error:
                raise AssertionError(f"{self.name}: raised {type(error).__name__}: {error}") from error
        return ""


def layers(make_layer: Callable[[], Any], *inputs: Any, **keywords: Any) -> Any:
    """Give a test a ``check`` for each of `layer_checks`, whose arguments these are; skipped where it does not apply.

    ::

        @gradcheck.layers(lambda: Dense(3, 2), x)
        def test_dense(check):
            check()
    """
    import pytest

    def skipping(check: LayerCheck) -> None:
        __tracebackhide__ = True
        if reason := check():
            pytest.skip(reason)

    checks = [
        LayerCheck(check.name, partial(skipping, check))
        for check in layer_checks(make_layer, *inputs, **keywords)
    ]
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
        ``make_layer`` cannot be called; ``skip`` is one name and not several.
    ValueError
        ``skip`` names no check.
    """
    if not callable(make_layer):
        raise TypeError(f"make_layer must be callable and return a new layer, got {make_layer!r}")
    if isinstance(skip, str):
        raise TypeError(f"skip must be a set of names, as in skip={{{skip!r}}}, got skip={skip!r}")
    strange = sorted({*skip} - {*DEMANDS, _DERIVATIVE})
    if strange:
        raise ValueError(
            f"skip names {strange[0]!r}, which is no check: {', '.join((_DERIVATIVE, *DEMANDS))}"
        )

    @cache
    def bench() -> Bench:
        return bench_of(make_layer, inputs, params, accumulates, independent)

    def derivative() -> None:
        check_layer(make_layer(), *inputs, params=params)

    if _DERIVATIVE not in skip:
        yield LayerCheck(_DERIVATIVE, derivative)
    for name, check in DEMANDS.items():
        if name not in skip:

            def run(check: Callable[[Bench], None] = check) -> None:
                check(bench())

            yield LayerCheck(name, run)

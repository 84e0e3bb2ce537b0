"""The catalogue: every mistake that is known by name, cheap ones first.

To add one, write a function that yields a `Guess` where the mistake explains the claim, and list it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradcheck.explain.diagnose import layout, mixing, patterns, precision, scale, terms
from gradcheck.explain.diagnose.activations import activations
from gradcheck.explain.diagnose.circuit import Circuit
from gradcheck.explain.diagnose.guess import Guess
from gradcheck.explain.diagnose.nonfinite import nonfinite
from gradcheck.explain.diagnose.paths import outputs, paths
from gradcheck.explain.diagnose.shapes import shape
from gradcheck.explain.diagnose.subject import Subject
from gradcheck.explain.diagnose.swapped import swapped_leaves
from gradcheck.explain.evidence import Evidence

OF_A_LEAF: tuple[Callable[[Subject], Iterator[Guess]], ...] = (
    patterns.zero,
    patterns.alive,
    patterns.constant,
    scale.sign,
    scale.scale,
    scale.scale_by_line,
    layout.transpose,
    layout.permutation,
    precision.whole_numbers,
    precision.small_relative,
    terms.added_multiple,
    terms.of_a_symmetric,
    patterns.single_entry,
    patterns.lines,
    patterns.sparse,
)
"""Mistakes that show in one leaf, from its truth and claim alone."""

LAST_WORD: Callable[[Subject], Iterator[Guess]] = patterns.other
"""What is said of a leaf whatever else is not."""

OF_THE_WHOLE: tuple[Callable[[Evidence], Iterator[Guess]], ...] = (
    shape,
    nonfinite,
    swapped_leaves,
    scale.common_factor,
)
"""Mistakes that concern the claim as a whole, or several leaves together."""

OF_THE_CHAIN: tuple[Callable[[Circuit], Iterator[Guess]], ...] = (
    mixing.softmax,
    mixing.products,
    outputs,
    activations,
    paths,
)
"""Mistakes in one local derivative of the traced computation, which spoil every leaf below it."""

"""Several paths left out together: statistics taken for constants, all steps of a loop, any two."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from gradcheck.explain.diagnose.circuit import Circuit, Edge, Effect
from gradcheck.explain.diagnose.experiment import evidence_figures, explains
from gradcheck.explain.diagnose.guess import EXACT, Guess

REDUCTIONS = frozenset((
    "sum", "mean", "max", "min", "amax", "amin", "var", "std", "prod", "norm", "logsumexp", "trace", "einsum",
))  # fmt: skip
# More edges than this make too many pairs.
PAIRS = 12


def statistics(circuit: Circuit) -> Iterator[Guess]:
    """Means, variances, norms and maxima taken for constants, alone or together."""
    nodes = [i for i, node in enumerate(circuit.nodes) if node.name in REDUCTIONS and _spread(circuit, i)][:8]
    for count in range(1, min(len(nodes), 4) + 1):
        for chosen in combinations(nodes, count):
            if circuit.spent:
                return
            cut = {(i, p): None for i in chosen for p in range(len(circuit.nodes[i].parents))}
            result = explains(circuit, _changed(circuit, cut))
            if result is not None:
                names = ", ".join(f"{circuit.called(i)}" for i in chosen)
                says = f"{{leaves}} {{is}} as if {names} did not depend on the input (its derivative dropped)"
                figures = {**evidence_figures(circuit, chosen[0]), "cut": list(chosen)}
                remedy = (
                    "A mean, variance or norm depends on every entry that goes into it, and so adds "
                    "a term to each."
                )
                yield result.guess("missing_term", EXACT - 0.5 + 0.5 * count, says, remedy, figures, chosen)
                return


def _spread(circuit: Circuit, index: int) -> bool:
    """Whether the node's result is spread over a larger array again."""
    size = np.size(circuit.nodes[index].value)
    return any(np.size(circuit.nodes[c].value) > size for c, _ in circuit.consumers[index]) or any(
        np.size(circuit.nodes[cc].value) > size
        for c, _ in circuit.consumers[index]
        if np.size(circuit.nodes[c].value) == size
        for cc, _ in circuit.consumers[c]
    )


def _changed(circuit: Circuit, cut: dict[Edge, None]) -> Effect:
    return circuit.changed_by(circuit.sweep(circuit.starts, edges=cut))


def alike(circuit: Circuit, effects: dict[Edge, Effect]) -> Iterator[Guess]:
    """The same kind of path left out wherever it occurs: the state of a recurrence, all of a loop's terms."""
    groups: dict[tuple[object, ...], list[Edge]] = {}
    for node, position in effects:
        parent, argument = circuit.nodes[node].parents[position]
        step, source = circuit.nodes[node], circuit.nodes[parent]
        groups.setdefault(
            (step.name, argument, source.name, np.shape(step.value), np.shape(source.value)), []
        ).append((node, position))
        groups.setdefault((step.name, argument, np.shape(step.value), np.shape(source.value)), []).append(
            (node, position)
        )
    tried: set[tuple[Edge, ...]] = set()
    for edges in groups.values():
        if len(edges) < 2 or tuple(edges) in tried or circuit.spent:
            continue
        tried.add(tuple(edges))
        result = explains(circuit, _changed(circuit, dict.fromkeys(edges)))
        if result is not None:
            says = (
                f"{{leaves}} {{is}} as if {circuit.path(edges[0])} were left out, and all "
                f"{len(edges)} like it"
            )
            figures = {**evidence_figures(circuit, edges[0][0]), "places": len(edges)}
            remedy = "Each of them adds a term of its own; in a recurrence every step hands one back."
            yield result.guess("missing_term", EXACT, says, remedy, figures, tuple(edges))


def two(circuit: Circuit, effects: dict[Edge, Effect]) -> Iterator[Guess]:
    """Two paths left out together."""
    edges = list(effects)
    if len(edges) > PAIRS:
        return
    for pair in combinations(edges, 2):
        if circuit.spent:
            return
        result = explains(circuit, _changed(circuit, dict.fromkeys(pair)))
        if result is not None and not result.against:
            says = (
                f"{{leaves}} {{is}} as if {circuit.path(pair[0])} and {circuit.path(pair[1])} were left out"
            )
            yield result.guess(
                "missing_term", EXACT + 2.0, says, "", evidence_figures(circuit, pair[0][0]), pair
            )
            return

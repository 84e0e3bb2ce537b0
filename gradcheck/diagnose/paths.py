"""Paths of the chain rule left out, counted twice, or taken with a wrong sign or factor."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from gradcheck.diagnose.circuit import Circuit, Effect
from gradcheck.diagnose.experiment import Alteration, evidence_figures, explains, fitted
from gradcheck.diagnose.guess import EXACT, FITTED, Guess, thin
from gradcheck.diagnose.scale import fitted_factor
from gradcheck.diagnose.sight import recognise
from gradcheck.evidence import Floats

Edge = tuple[int, int]
REDUCTIONS = frozenset(("sum", "mean", "max", "min", "amax", "amin", "var", "std", "prod", "norm", "logsumexp", "trace", "einsum"))
MANY_PATHS = 400
PAIRS = 12


def paths(circuit: Circuit) -> Iterator[Guess]:
    """One path altered; else the paths that leave one node weighted wrongly; else several left out together."""
    told = False
    effects = dict(_effects(circuit))
    for edge, effect in effects.items():
        for result, _ in fitted(circuit, None, [effect], bare=0):
            for guess in _one_path(circuit, edge, effect, result):
                told = told or (guess.cost < FITTED and set(guess.leaves) >= set(circuit.subjects))
                yield guess
    if not told:
        yield from _forks(circuit, effects)
        yield from _statistics(circuit)
        yield from _alike(circuit, effects)
        yield from _two(circuit, effects)


def _effects(circuit: Circuit) -> Iterator[tuple[Edge, Effect]]:
    """What each edge carries to the leaves, for edges that do not carry the same as a neighbour."""
    for index, node in enumerate(circuit.nodes):
        if circuit.spent:
            return
        if circuit.cotangents[index] is None:
            continue
        for position, (parent, _) in enumerate(node.parents):
            alone = len(node.parents) == 1 and len(circuit.consumers[parent]) == 1
            chained = len(node.parents) == 1 and len(circuit.consumers[index]) == 1
            if alone or chained or not (circuit.below[parent] & set(circuit.subjects)):
                continue
            carried = circuit.carried(index, position)
            if np.all(np.isfinite(carried)):
                yield (index, position), circuit.effect(parent, carried)


def _one_path(circuit: Circuit, edge: Edge, effect: Effect, result: Alteration) -> Iterator[Guess]:
    node = edge[0]
    factor = 1.0 + result.coefficient
    entries = sum(int(np.count_nonzero(effect[n])) for n in result.leaves)
    what = _path_words(circuit, edge)
    figures = {**evidence_figures(circuit, node), "factor": factor, **_as_penalty(circuit, effect, result)}
    kind, cost, clause = _verdict(circuit, factor, bool(figures.get("multiple_of")))
    if figures.get("multiple_of"):
        what += f" ({figures['coefficient']:.6g} times {figures['multiple_of']})"
    says = f"{{leaves}} {{is}} as if {what} {clause}"
    remedy = "Every path from the argument to the result adds its own term: the product rule, the regulariser, the mean."
    if abs(factor) < 1e-6 and _is_all(circuit, effect, result):
        cost += 2.0  # then the claim is simply 0
    key = (edge, round(factor, 6))
    yield result.guess(kind, thin(cost, entries, 1), says, remedy, figures, key)
    second = "missing_term" if kind in ("sign", "scale") else "scale" if factor else "zero"
    if second != "zero":
        yield result.guess(second, thin(cost + 1.5, entries, 1), says, remedy, figures, key)


def _verdict(circuit: Circuit, factor: float, penalty: bool) -> tuple[str, float, str]:
    """Kind, cost and words for a path that counts ``factor`` times."""
    if abs(factor) < 1e-6:
        return "missing_term", EXACT - 1.0, "were left out"
    if abs(factor + 1.0) < 1e-6:
        return "sign", EXACT - 0.5, "had the opposite sign"
    if penalty:
        kind = "extra_term" if factor > 1.0 else "missing_term"
        return kind, EXACT - 0.5, f"counted {factor:.6g} times"
    if abs(factor - 2.0) < 1e-6 or abs(factor - 0.5) < 1e-6:
        return "scale", EXACT, f"counted {factor:.6g} times"
    quantity = recognise(factor, circuit.evidence)
    if quantity is not None:
        return "scale", EXACT + 0.5 + quantity.weight, f"counted {factor:.6g} times ({quantity.meaning})"
    return "scale", FITTED + 3.0, f"counted {factor:.6g} times"


def _is_all(circuit: Circuit, effect: Effect, result: Alteration) -> bool:
    return all(np.allclose(effect[n], circuit.truth[n]) for n in result.leaves)


def _as_penalty(circuit: Circuit, effect: Effect, result: Alteration) -> dict[str, object]:
    """Whether the path's term is a multiple of the leaf's own value, as a quadratic penalty's is."""
    number = result.leaves[0]
    leaf = circuit.evidence.leaves[number]
    if leaf.value.shape != effect[number].shape or leaf.value.size < 2:
        return {}
    for words, value in ((leaf.path, leaf.value), (f"sign({leaf.path})", np.sign(leaf.value)), ("a constant", np.ones(leaf.value.shape))):
        factor = fitted_factor(effect[number], value)
        if factor and np.allclose(factor * value, effect[number], rtol=1e-7, atol=0.0):
            return {"multiple_of": words, "coefficient": factor}
    return {}


def _path_words(circuit: Circuit, edge: Edge) -> str:
    node, position = edge
    parent, argument = circuit.nodes[node].parents[position]
    place = circuit.called(node)
    source = circuit.called(parent)
    many = len(circuit.nodes[node].parents) > 1
    return f"the path from {source} into {place}{f' (its operand {argument + 1})' if many else ''}"


def outputs(circuit: Circuit) -> Iterator[Guess]:
    """One of several results whose cotangent does not come back."""
    if len(circuit.starts) < 2:
        return
    for place, (node, start) in enumerate(circuit.starts.items()):
        effect = circuit.effect(node, start)
        result = explains(circuit, {n: -change for n, change in effect.items()})
        if result is not None:
            says = f"{{leaves}} {{is}} as if the cotangent of result {place} of f were ignored"
            remedy = "Each result of f hands its own cotangent back."
            figures = {**evidence_figures(circuit, node), "result": place}
            yield result.guess("missing_term", EXACT - 1.0, says, remedy, figures, ("output", place))


def factors(circuit: Circuit) -> Iterator[Guess]:
    """A product or quotient whose other operand is left out on the way back, or taken twice."""
    for index, node in enumerate(circuit.nodes):
        if node.name not in ("multiply", "divide", "true_divide") or circuit.cotangents[index] is None:
            continue
        g = np.asarray(circuit.cotangents[index])
        for position, (parent, argument) in enumerate(node.parents):
            shape = np.shape(circuit.nodes[parent].value)
            other = np.asarray(node.args[1 - argument])
            if circuit.spent or g.shape != shape or other.size < 2 or (node.name != "multiply" and argument == 1):
                continue
            carried = circuit.carried(index, position)
            ratio = other if node.name == "multiply" else 1.0 / other
            for words, changed in (("left out", g), ("taken twice", carried * ratio)):
                if not np.all(np.isfinite(changed)):
                    continue
                result = explains(circuit, circuit.effect(parent, changed - carried))
                if result is not None:
                    yield from _factor(circuit, index, position, words, result)


def _factor(circuit: Circuit, index: int, position: int, words: str, result: Alteration) -> Iterator[Guess]:
    figures = {**evidence_figures(circuit, index), "factor": words}
    others = [p for p, _ in circuit.nodes[index].parents if p != circuit.nodes[index].parents[position][0]]
    what = circuit.called(others[0]) if others else "the other operand"
    says = f"{{leaves}} {{is}} as if {what} were {words} where the way back goes through {circuit.called(index)}"
    remedy = "The derivative of a product with respect to one factor is the other factor."
    yield result.guess("missing_term" if words == "left out" else "scale", EXACT, says, remedy, figures, (index, position, words))
    yield result.guess("scale" if words == "left out" else "extra_term", EXACT + 1.5, says, remedy, figures, (index, position, words))


def _forks(circuit: Circuit, effects: dict[Edge, Effect]) -> Iterator[Guess]:
    """A value used in several places, its paths weighted wrongly: one half of a product rule for both."""
    for node, edges in enumerate(circuit.consumers):
        if not 2 <= len(edges) <= 6 or circuit.spent or not (circuit.below[node] & set(circuit.subjects)):
            continue
        known = [edge for edge in edges if circuit.cotangents[edge[0]] is not None]
        shapes = [effects[e] if e in effects else circuit.effect(node, circuit.carried(*e)) for e in known]
        for result, coefficients in fitted(circuit, None, shapes, bare=2):
            weights = 1.0 + coefficients
            easy = np.all(np.abs(2 * weights - np.round(2 * weights)) < 1e-6)
            if not easy or np.all(np.abs(weights - weights[0]) < 1e-6):
                continue
            yield _fork(circuit, node, known, weights, result)


def _fork(circuit: Circuit, node: int, edges: list[Edge], weights: Floats, result: Alteration) -> Guess:
    rounded = [float(np.round(w, 6)) + 0.0 for w in weights]
    listed = ", ".join(f"{_path_words(circuit, e)} {w:g} times" for e, w in zip(edges, rounded, strict=True))
    says = f"{{leaves}} {{is}} as if the uses of {circuit.called(node)} were weighted wrongly: {listed}"
    kind = "sign" if set(rounded) <= {1.0, -1.0} else "missing_term" if 0.0 in rounded else "scale"
    figures = {**evidence_figures(circuit, node), "weights": rounded}
    remedy = "A value that is used in several places gets one term from each."
    return result.guess(kind, EXACT + 0.5 * len(edges), says, remedy, figures, (node, tuple(rounded)))


def _statistics(circuit: Circuit) -> Iterator[Guess]:
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
                remedy = "A mean, variance or norm depends on every entry that goes into it, and so adds a term to each."
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
    grads = circuit.sweep(circuit.starts, edges=cut)
    effect = circuit.at_leaves(grads, frozenset(range(len(circuit.leaf_nodes))))
    return {n: effect[n] - circuit.truth[n] for n in effect}


def _alike(circuit: Circuit, effects: dict[Edge, Effect]) -> Iterator[Guess]:
    """The same kind of path left out wherever it occurs: the state of a recurrence, all of a loop's terms."""
    groups: dict[tuple[object, ...], list[Edge]] = {}
    for node, position in effects:
        parent, argument = circuit.nodes[node].parents[position]
        step, source = circuit.nodes[node], circuit.nodes[parent]
        groups.setdefault((step.name, argument, source.name, np.shape(step.value), np.shape(source.value)), []).append((node, position))
        groups.setdefault((step.name, argument, np.shape(step.value), np.shape(source.value)), []).append((node, position))
    tried: set[tuple[Edge, ...]] = set()
    for edges in groups.values():
        if len(edges) < 2 or tuple(edges) in tried or circuit.spent:
            continue
        tried.add(tuple(edges))
        result = explains(circuit, _changed(circuit, dict.fromkeys(edges)))
        if result is not None:
            says = f"{{leaves}} {{is}} as if {_path_words(circuit, edges[0])} were left out, and all {len(edges)} like it"
            figures = {**evidence_figures(circuit, edges[0][0]), "places": len(edges)}
            remedy = "In a loop or a recurrence every step hands a term back to the one before it."
            yield result.guess("missing_term", EXACT, says, remedy, figures, tuple(edges))


def _two(circuit: Circuit, effects: dict[Edge, Effect]) -> Iterator[Guess]:
    """Two paths left out together."""
    edges = list(effects)
    if len(edges) > PAIRS:
        return
    for pair in combinations(edges, 2):
        if circuit.spent:
            return
        result = explains(circuit, _changed(circuit, dict.fromkeys(pair)))
        if result is not None and not result.against:
            says = f"{{leaves}} {{is}} as if {_path_words(circuit, pair[0])} and {_path_words(circuit, pair[1])} were left out"
            yield result.guess("missing_term", EXACT + 2.0, says, "", evidence_figures(circuit, pair[0][0]), pair)
            return

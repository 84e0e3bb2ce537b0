"""A part of phi rounded to single precision beside one that is not: short steps see only the other part."""

from __future__ import annotations

from gradcheck.oracles.table import Table

# What single precision rounds a part of phi by is at most four ulps of the whole of it.
SINGLE = 2.0**-22
# Off the levels; unevenly spaced, since even steps may climb a whole number of stairs each, and more than three, since
# three points lie on a line by chance.
BETWEEN = (0.5, 0.61, 0.68, 0.83, 0.9)


def staircase(table: Table, i: int) -> tuple[float, float] | None:
    """Value and bound from longer steps, where those at index i lie within one stair; else None.

    On a stair the rounded part stands still, and phi has a smooth slope that is not the one meant. So has phi
    between corners close to 0. Longer steps tell: among them stairs are noise, a corner is an offset. Where it is
    noise no louder than single precision makes it, the longer steps count, and the bound reaches over what the
    short ones say: a faint fine structure looks the same.
    """
    edge = _edge(table, i)
    if edge < 3:
        return None
    rounding, single = table.floor[edge - 2], SINGLE * abs(table.centre)
    offset = abs(table.d[edge] - table.value[i]) * table.h[edge]
    if not 64 * rounding < offset < 64 * single:  # 64: many stairs may lie within the step of the edge
        return None
    noise = _noise(table, edge - 2)
    if not 64 * rounding < noise < single:
        return None
    expected = [
        (t + 4 * noise / h + abs(v - table.value[i]) + table.bound[i], v)
        for t, h, v in zip(table.truncation[:edge], table.h, table.value, strict=False)
    ]
    bound, value = min(expected)
    return value, bound


def _edge(table: Table, i: int) -> int:
    """The index of the shortest step with another slope than at index i, where truncation is not the reason; else 0."""
    value, bound = table.value[i], table.bound[i]
    if all(
        abs(v - value) <= 4 * (t + bound) for v, t in zip(table.value[:i], table.truncation, strict=False)
    ):
        return 0
    for j in range(i - 1, -1, -1):
        if abs(table.d[j] - value) > 4 * (bound + table.floor[j] / table.h[j]):
            return j
    return 0


def _noise(table: Table, c: int) -> float:
    """How far (phi(h) - phi(-h))/2 is from a line in h around the step of index c, curvature taken off."""
    h = table.h[c]
    odd = [(share, (table.samples(share * h) - table.samples(-share * h)) / 2) for share in BETWEEN]
    bend = abs(table.d[c - 1] - table.d[c]) * h**3 / table.h[c - 1] ** 2
    off = (
        q - (p * (e - b) + r * (b - a)) / (e - a)
        for (a, p), (b, q), (e, r) in zip(odd, odd[1:], odd[2:], strict=False)
    )
    return float(max(map(abs, off)) - bend)

"""What the precision of a claim's arithmetic leaves to be told, as functions of its unit roundoff.

Double precision is 2^-53, single 2^-24, half 2^-11. In double the figures are those of the oracles; below it they
are multiples of the roundoff: a gradient of a few layers carries some hundred of them.
"""

DOUBLE, SINGLE, HALF = 2.0**-53, 2.0**-24, 2.0**-11


def of(dtype: str) -> float:
    """Unit roundoff of a dtype by its name."""
    return {"float32": SINGLE, "float16": HALF}.get(dtype, DOUBLE)


def entrywise(unit: float) -> float:
    """Share of an entry by which a right claim may differ from autograd."""
    return 1e-9 if unit == DOUBLE else 340.0 * unit


def leaf_share(unit: float) -> float:
    """Share of its leaf's largest entry by which any entry may differ from autograd."""
    return 0.0 if unit == DOUBLE else 34.0 * unit


def along(unit: float) -> float:
    """Share of a direction's span by which a right claim below double precision may differ from a difference."""
    return 500.0 * unit


def believable(unit: float) -> float:
    """Share of an entry that may be rounding; more is an error, and is not worth measuring rounding for."""
    return 1e-3 if unit == DOUBLE else 0.3 if unit == HALF else 3e-2


def default_rtol(unit: float) -> float:
    """The relative error that a check must be able to see before it may pass."""
    return believable(unit)

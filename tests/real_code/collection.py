"""All shipped derivatives of the packages that are installed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from .shipped import Shipped

MODULES = (
    "astropy_models",
    "autograd_rules",
    "chemicals_correlations",
    "numpy_ml_layers",
    "numpy_polynomial",
    "scipy_numerics",
    "scipy_special",
    "sklearn_losses",
    "sklearn_models",
    "small_packages",
    "statsmodels_likelihoods",
    "statsmodels_pointwise",
    "thinc_ops",
)


def collect(modules: Sequence[str] = MODULES) -> tuple[list[Shipped], dict[str, str]]:
    """The derivatives, and for each module that cannot be had the reason."""
    found: list[Shipped] = []
    missing: dict[str, str] = {}
    for name in modules:
        try:
            module = importlib.import_module(f"{__package__}.{name}")
        except ImportError as error:
            missing[name] = str(error)
        else:
            found.extend(module.derivatives())
    return found, missing

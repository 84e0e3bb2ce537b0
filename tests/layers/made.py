"""All layers that are made for the tests."""

from tests.layers import (  # noqa: F401 - they add to those that are made
    attributes,
    awkward,
    calls,
    containers,
    courses,
    handed_out,
    losses,
    nested,
    pairs,
    parameter_objects,
    published,
    returned,
    shared_memory,
    states,
    steps,
)
from tests.layers.making import MADE, planted

__all__ = ["MADE", "planted"]

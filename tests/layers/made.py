"""All layers that are made for the tests."""

import tests.layers.awkward
import tests.layers.courses
import tests.layers.published  # noqa: F401 - they add to those that are made
from tests.layers.conventions import MADE, planted

__all__ = ["MADE", "planted"]

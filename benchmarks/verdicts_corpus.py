"""The corpus of the tests, which is no installed package, for the benchmarks."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_tests = str(Path(__file__).parents[1] / "tests")
if _tests not in sys.path:
    sys.path.insert(0, _tests)

specimens = importlib.import_module("corpus").specimens
Specimen = importlib.import_module("corpus.specimen").Specimen
flat = importlib.import_module("corpus.specimen").flat

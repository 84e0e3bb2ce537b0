"""Options, header and closing lines of ``pytest benchmarks``: quick by default, ``--all-sizes`` for everything."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.guard import behind
from reference_impls.blas import headline

RATIOS = pytest.StashKey[dict[str, float]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--all-sizes``."""
    parser.addoption("--all-sizes", action="store_true", help="time large nets and arrays too: minutes")


def pytest_configure(config: pytest.Config) -> None:
    """Make room for the ratios that are held against the recorded ones."""
    config.stash[RATIOS] = {}


def pytest_report_header(config: pytest.Config) -> str:
    """Name the matrix-product kernel that the timings stand on."""
    del config
    return headline()


@pytest.fixture
def all_sizes(request: pytest.FixtureRequest) -> bool:
    """Whether large nets and arrays are timed too."""
    return bool(request.config.getoption("--all-sizes"))


@pytest.fixture
def ratios(request: pytest.FixtureRequest) -> dict[str, float]:
    """Where a test leaves its ratio to the floor."""
    return request.config.stash[RATIOS]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where ours has fallen behind its recorded ratio to the floor: a report, not a failure."""
    lines = behind(config.stash[RATIOS])
    if lines:
        terminalreporter.section("behind the recorded ratio to the floor")
        for line in lines:
            terminalreporter.write_line(line)

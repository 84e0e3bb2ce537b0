"""The HTML page of many checks: how large it is, and how long a browser takes to open it.

``python -m benchmarks.page`` runs derivations of the tests' corpus, right and wrong ones, until there are a thousand
reports, writes the page of them, and opens it in a headless Chromium some times.
"""

from __future__ import annotations

import gzip
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from gradcheck.report.views import html
from gradcheck.verify.collect import collect
from gradcheck.verify.outcome import run
from tests.chromium import CHROMIUM, browser

SETTLED = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))"
"""When the page has been drawn once."""


def checks(count: int) -> Iterator[dict[str, Any]]:
    """So many checks as a report of a run has them: every case of the reference implementations, again and again."""
    known = [run(case).to_dict() for case in collect(["reference_impls"])]
    for number, check in enumerate(islice(cycle(known), count)):
        yield {**check, "name": f"{check['name']}[{number}]"}


def opened(file: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds to open the page, to search in it and to sort it."""
    taken: dict[str, list[float]] = {"open": [], "search": [], "sort": []}
    with TemporaryDirectory() as profile, browser(Path(profile)) as chromium:
        for _ in range(rounds):
            acts = {
                "open": lambda: chromium.open(file),
                "search": lambda: chromium.run(
                    "search.value = 'mse'; search.dispatchEvent(new Event('input'))"
                ),
                "sort": lambda: chromium.run("document.querySelector('[data-sort=seconds]').click()"),
            }
            for name, act in acts.items():
                start = time.perf_counter()
                act()
                chromium.run(SETTLED)
                taken[name].append(time.perf_counter() - start)
        assert chromium.complaints == []
    return taken


def main() -> None:
    """Print size and times."""
    parser = ArgumentParser(
        description="Size of the HTML page of many checks, and how long it takes to open."
    )
    parser.add_argument("--checks", type=int, default=1000, help="how many [1000]")
    parser.add_argument("--rounds", type=int, default=5, help="how often it is opened [5]")
    options = parser.parse_args()
    told = [*checks(options.checks)]
    failed = sum(check["verdict"] == "fail" for check in told)
    start = time.perf_counter()
    page = html.page(told, "gradcheck verify", f"{len(told)} checks").encode()
    drawn = time.perf_counter() - start
    print(
        f"{len(told)} checks, {failed} of them failing: {len(page) / 1e6:.2f} MB, "
        f"{len(gzip.compress(page)) / 1e6:.2f} packed"
    )
    print(f"drawn in {drawn:.2f} s")
    if CHROMIUM is None:
        print("no Chromium is installed: not opened")
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "checks.html"
        file.write_bytes(page)
        for name, seconds in opened(file, options.rounds).items():
            print(f"{name:8}{median(seconds):6.2f} s")


if __name__ == "__main__":
    main()

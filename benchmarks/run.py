"""The whole comparison in one command: ``python -m benchmarks.run`` (about five minutes on two quiet cores).

Every net, element-wise kernel and check is timed beside its rivals in interleaved rounds, each setting in a
child process of its own: one thread (on one core, so that no rival uses another), two threads, and one
thread under the best BLAS kernel where this processor has a better one than NumPy took. The result is JSON
of the shape that pytest-benchmark writes, which ``python -m benchmarks.table`` reads; ``--record`` also
keeps the ratios to the floor for later runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import THREADS, checkers, guard, kernels, table
from benchmarks.machine import machine
from benchmarks.nets import NETS
from benchmarks.peers import PEERS, Call, Missing
from benchmarks.rounds import interleave
from reference_impls.blas import VARIABLE, candidates, kernel_in_use, processor_flags

Entry = dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Run every setting, or as a child (``--setting``) one of them, and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmark.json"))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: for a first look")
    parser.add_argument("--only", choices=["nets", "kernels", "checks"], help="one part of it")
    parser.add_argument("--table", action="store_true", help="print it as tables, too")
    parser.add_argument("--record", action="store_true", help="keep the ratios to the floor in ratios.json")
    parser.add_argument("--setting", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.setting:
        entries = list(_entries(options))
        options.out.write_text(json.dumps(entries))
        return
    entries = [entry for setting in _settings() for entry in _child(setting, options)]
    result = {"machine_info": _machine(), "benchmarks": entries}
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    if options.table:
        print(machine())
        table.main([str(options.out)])
    else:
        print(f"{len(entries)} medians in {options.out}; python -m benchmarks.table {options.out}")
    if options.record:
        guard.record(_ratios(entries), _machine()["processor"])


def _settings() -> list[str]:
    better = candidates(kernel_in_use(), processor_flags())
    return ["1 thread", *([f"1 thread, {better[0]}"] if better else []), "2 threads"]


def _child(setting: str, options: argparse.Namespace) -> list[Entry]:
    """Run one setting in a process whose environment is made for it."""
    threads = setting[0]
    environment = os.environ | dict.fromkeys(THREADS, threads)
    if ", " in setting:
        environment[VARIABLE] = setting.split(", ")[1]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "entries.json")
        flags = [*(["--quick"] if options.quick else []), *(["--only", options.only] if options.only else [])]
        command = [sys.executable, "-m", "benchmarks.run", "--setting", setting, "--out", str(out), *flags]
        subprocess.run(command, env=environment, check=True)
        return list(json.loads(out.read_text()))


def _entries(options: argparse.Namespace) -> Iterable[Entry]:
    setting: str = options.setting
    if setting.startswith("1 thread") and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    rounds, seconds = (5, 0.01) if options.quick else (15, 0.015)
    wanted = {options.only} if options.only else {"nets", "kernels", "checks"}
    if "nets" in wanted:
        yield from _net_entries(setting, rounds, seconds)
    if "kernels" in wanted and setting == "1 thread":
        yield from _kernel_entries(setting, rounds, seconds)
    if "checks" in wanted and setting == "1 thread":
        yield from _check_entries(setting, 3 if options.quick else 5)


def _net_entries(setting: str, rounds: int, seconds: float) -> Iterable[Entry]:
    for net in NETS:
        # two threads change nothing about arrays of four numbers
        if net.tiny and setting != "1 thread":
            continue
        large = net.sizes[0] == 1024  # a pass takes a tenth of a second
        calls = _installed({name: partial(make, net) for name, make in PEERS.items()})
        group = f"{net.name}, {net.dtype}"
        params = {"dtype": net.dtype, "net": net.name, "work": _work(net.sizes, net.batch)}
        yield from _timed("nets", group, setting, calls, 5 if large else rounds, seconds, params)


def _kernel_entries(setting: str, rounds: int, seconds: float) -> Iterable[Entry]:
    for kernel in kernels.KERNELS:
        for dtype in ("float64", "float32"):
            makers = {
                name: partial(make, kernel, dtype, kernels.ENTRIES)
                for name, make in kernels.CONTENDERS.items()
            }
            params = {"dtype": dtype, "kernel": kernel, "work": kernels.ENTRIES}
            calls = _installed(makers)
            yield from _timed("kernels", f"{kernel}, {dtype}", setting, calls, rounds, seconds, params)


def _check_entries(setting: str, rounds: int) -> Iterable[Entry]:
    for sizes in checkers.SIZES:
        net = checkers.network(sizes)
        count = checkers.parameters(net)
        calls = _installed({name: partial(make, net) for name, make in checkers.CHECKERS.items()})
        calls = {name: call for name, call in calls.items() if _passes(name, call)}
        params = {"parameters": count, "work": count}
        yield from _timed("checks", f"{count:,} parameters", setting, calls, rounds, 0.005, params)


def _installed(makers: dict[str, Callable[[], Call]]) -> dict[str, Call]:
    calls = {}
    for name, make in makers.items():
        try:
            calls[name] = make()
        except Missing as reason:
            if "pip install" in str(reason):
                print(f"skipped {name}: {reason}", file=sys.stderr)
    return calls


def _passes(name: str, call: Call) -> bool:
    """Whether a checker gets through at all: some raise a false alarm."""
    try:
        call()
    except Exception as problem:
        print(f"skipped {name}: {type(problem).__name__}: {str(problem)[:100]}", file=sys.stderr)
        return False
    return True


def _timed(
    part: str,
    group: str,
    setting: str,
    calls: dict[str, Call],
    rounds: int,
    seconds: float,
    params: dict[str, Any],
) -> Iterable[Entry]:
    print(f"{setting}: {group}", file=sys.stderr)
    for name, data in interleave(calls, rounds, seconds).items():
        stats = {
            "median": median(data),
            "min": min(data),
            "max": max(data),
            "rounds": len(data),
            "data": data,
        }
        yield {
            "group": group,
            "name": f"{part}[{group}-{name}]",
            "params": params,
            "extra_info": {"part": part, "setting": setting, "peer": name},
            "stats": stats,
        }


def _work(sizes: tuple[int, ...], batch: int) -> int:
    """Multiplications and additions in the matrix products of one pass.

    Each layer has two products of ``2 * batch * inputs * outputs``, and a third but for the first layer.
    """
    layers = list(pairwise(sizes))
    return sum(2 * batch * a * b * (2 if k == 0 else 3) for k, (a, b) in enumerate(layers))


def _ratios(entries: list[Entry]) -> dict[str, float]:
    samples: dict[str, dict[str, list[float]]] = {}
    for entry in entries:
        info = entry["extra_info"]
        if info["part"] == "nets" and info["setting"] == "1 thread" and info["peer"] in ("ours", "floor"):
            samples.setdefault(entry["group"], {})[info["peer"]] = entry["stats"]["data"]
    return {group: guard.ratio(both) for group, both in samples.items()}


def _machine() -> dict[str, str]:
    return {"processor": machine(), "blas_kernel": str(kernel_in_use())}


if __name__ == "__main__":
    main()

"""Tables and a plot of the JSON that ``benchmarks.run`` or ``pytest --benchmark-json`` wrote.

``python -m benchmarks.table benchmark.json [--plot speed.png]`` prints Markdown. A ratio is the median over
the rounds of peer / ours in the same round: above 1, ours is faster. Only the floor is the other way round,
ours / floor.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from typing import Any

Entry = dict[str, Any]
UNITS = {"kernels": "copy", "checks": "one pass", "nets": "floor"}


def main(arguments: list[str] | None = None) -> None:
    """Print the tables; draw the plot where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__.splitlines()[0])
    parser.add_argument("json", type=Path)
    parser.add_argument("--plot", type=Path, help="write time against size here (PNG, SVG or PDF)")
    options = parser.parse_args(arguments)
    result = json.loads(options.json.read_text())
    groups = grouped(result["benchmarks"])
    for title in dict.fromkeys(title for title, _ in groups):
        print(f"\n### {title}\n")
        print(table({group: peers for (other, group), peers in groups.items() if other == title}))
    if options.plot:
        plot(groups, options.plot)


def grouped(entries: list[Entry]) -> dict[tuple[str, str], dict[str, Entry]]:
    """Entries by (title, group), then by peer; pytest-benchmark's own have no setting and one title."""
    found: dict[tuple[str, str], dict[str, Entry]] = {}
    for entry in entries:
        info = entry["extra_info"]
        title = f"{info['part']}, {info['setting']}" if "part" in info else "pytest-benchmark"
        found.setdefault((title, entry["group"]), {})[info.get("peer", entry["name"])] = entry
    return found


def table(groups: dict[str, dict[str, Entry]]) -> str:
    """A Markdown table: ours in microseconds, then every peer as a ratio to it."""
    peers = list(dict.fromkeys(peer for entries in groups.values() for peer in entries if peer != "ours"))
    floors = [peer for peer in peers if peer in UNITS.values()]
    rivals = [peer for peer in peers if peer not in floors]
    heads = [
        "",
        "ours, µs",
        *(f"ours / {floor}" for floor in floors),
        *(f"{rival} / ours" for rival in rivals),
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for group, entries in groups.items():
        if "ours" not in entries:
            continue
        cells = [group, f"{entries['ours']['stats']['median'] * 1e6:.3g}"]
        cells += [_cell(entries, "ours", floor) for floor in floors]
        cells += [_cell(entries, rival, "ours") for rival in rivals]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(entries: dict[str, Entry], above: str, below: str) -> str:
    if above not in entries or below not in entries:
        return ""
    return f"{ratio(entries[above], entries[below]):.3g}"


def ratio(above: Entry, below: Entry) -> float:
    """Median of the ratios round by round; of the medians where single rounds were not kept."""
    one, two = above["stats"].get("data"), below["stats"].get("data")
    if one and two and len(one) == len(two):
        return median(a / b for a, b in zip(one, two, strict=True))
    return float(above["stats"]["median"] / below["stats"]["median"])


def plot(groups: dict[tuple[str, str], dict[str, Entry]], path: Path) -> None:
    """Time of a pass against its arithmetic: relu nets on one thread, a panel a dtype, the floor dashed."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError as problem:
        raise SystemExit('The plot needs matplotlib: pip install "gradcheck[plots]"') from problem

    nets = {
        group: peers
        for (title, group), peers in groups.items()
        if title == "nets, 1 thread" and "relu" in group
    }
    if not nets:
        raise SystemExit("The plot needs nets on one thread: python -m benchmarks.run writes them")
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    for panel, dtype in zip(panels, ("float64", "float32"), strict=True):
        lines: dict[str, list[tuple[int, float]]] = {}
        for group, peers in nets.items():
            for peer, entry in peers.items():
                if group.endswith(dtype):
                    point = entry["params"]["work"], entry["stats"]["median"] * 1e6
                    lines.setdefault(peer, []).append(point)
        for peer, points in lines.items():
            style = {"ours": "k-o", "floor": "k--"}.get(peer, "-o")
            panel.plot(*zip(*sorted(points), strict=True), style, label=peer, markersize=4)
        panel.set(
            xscale="log", yscale="log", title=f"{dtype}, one thread", xlabel="operations in the products"
        )
    panels[0].set_ylabel("microseconds for loss and gradients")
    panels[1].legend(fontsize="small")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()

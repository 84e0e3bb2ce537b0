"""Whole reports on mistakes as people make them, in programs of many families: each was read, and mends the program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gradcheck import Report, Verdict
from gradcheck.explain.blame import blamed
from gradcheck.explain.diagnose import budget
from tests.blame import test_missing, test_parts, test_slips
from tests.blame.programs import made, patched
from tests.golden_file import masked, same_as_golden


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found must not hang on how fast the machine is."""
    monkeypatch.setattr(blamed, "SECONDS", 60.0)
    monkeypatch.setattr(budget, "SECONDS", 60.0)


RIGHT = {
    "classes": test_slips.CLASSES, "neighbours": test_slips.NEIGHBOURS, "masked": test_slips.MASKED,
    "gates": test_slips.GATES, "pictures": test_slips.PICTURES, "denoised": test_slips.DENOISED,
    "gru": test_slips.GATED, "weighted": test_slips.WEIGHTED, "wave": test_slips.WAVE, "huber": test_slips.HUBER,
}  # fmt: skip
MISTAKES = {
    "rnn_carry": ("rnn", " + dhnext\n", "\n"),
    "rnn_activation": ("rnn", "dz = dh * (1 - hs[t] ** 2)", "dz = dh"),
    "lstm_cell": ("lstm", "dc = dc + dh * o * (1 - tc ** 2)", "dc = dc + dh * o"),
    "lstm_forget": ("lstm", "        dc = dc * f\n", ""),
    "network_mean": ("network", "    ds /= n\n", ""),
    "network_decay": ("network", "X.T @ dz1 + reg * W1", "X.T @ dz1"),
    "margins_other_class": ("margins", "                dW[:, y[i]] -= X[i]\n", ""),
    "layer_norm_mean_paths": (
        "layer norm", "(dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True)) / s", "dn / s",
    ),
    "windows_overlap": ("windows", "j:j+Wo] += cols", "j:j+Wo] = cols"),
    "windows_layout": ("windows", "dout.transpose(0, 2, 3, 1).reshape(-1, F)", "dout.reshape(-1, F)"),
    "classes_mask": ("classes", "mask[:, None] / mask", "mask / mask"),
    "neighbours_factor": ("neighbours", "return 4 * (", "return 2 * ("),
    "masked_twice": ("masked", "np.outer(dout, v) * mask / keep", "np.outer(dout, v) * mask"),
    "gates_slice": ("gates", "np.cos(a[:, H:2*H])", "np.cos(a[:, :H])"),
    "pictures_bias": ("pictures", "axis=(0, 2, 3)", "axis=(0, 2)"),
    "denoised_end": ("denoised", "g[:-1] -= lam", "g[1:] -= lam"),
    "gru_gate": ("gru", "dh * (1 - z) + W", "dh + W"),
    "gru_candidate": ("gru", "dz = dh * (new - h)", "dz = dh * new"),
    "weighted_mean": ("weighted", "/ weights.sum()\n        return X", "\n        return X"),
    "wave_column": ("wave", "-A * t * e * s", "-A * e * s"),
    "huber_sign": ("huber", "delta * np.sign(r))", "delta)"),
    "huber_mean": ("huber", "X.T @ psi / len(y)", "X.T @ psi"),
    "embedding_repeats": ("embedding", "np.add.at(dE, ids, dx)", "dE[ids] += dx"),
    "embedding_target": ("embedding", "    d[np.arange(n), y] -= 1\n", ""),
    "graph_direction": ("graph", "np.add.at(dZ, src, dm[dst])", "np.add.at(dZ, dst, dm[src])"),
    "graph_dropped": ("graph", "    np.add.at(dZ, src, dm[dst])\n", ""),
    "variation_border": ("variation", "    g[:-1, :] -= 2 * w * dy\n", ""),
    "pooled_stride": ("pooled", "left = i * stride, j", "left = i, j"),
    "pooled_window": ("largest", "2 * s:2 * s + 2]", "2 * s:2 * s + 1]"),
    "softmax_columns": ("softmax", "p[range(len(y)), y] -= 1", "p[:, y] -= 1"),
}  # fmt: skip
"""The program, what stands there, and what a hand wrote."""
PARTS = {"embedding": "embedding", "graph": "graph", "variation": "variation", "pooled": "pooled",
         "largest": "largest", "softmax": "classes"}  # fmt: skip


def checks(program: str) -> Callable[[ModuleType, int], Report]:
    """What checks a module with the claim of this program, at the point of its report or another."""
    if program in RIGHT:
        return lambda module, other: RIGHT[program].checked(module, 7 + other, other)
    if program in PARTS:
        return lambda module, other: test_parts.checked(PARTS[program], module, 3 + other)
    return test_missing.PROGRAMS[program].checked


def text_of(program: str) -> str:
    if program in PARTS:
        return test_parts.PROGRAMS[PARTS[program]][0]
    return (RIGHT[program] if program in RIGHT else test_missing.PROGRAMS[program]).text


@pytest.mark.parametrize("name", MISTAKES)
def test_the_report_is_the_one_on_file_and_its_patch_is_right_elsewhere(tmp_path: Path, name: str) -> None:
    program, *change = MISTAKES[name]
    checked = checks(program)
    with np.errstate(all="ignore"):
        report = checked(made(tmp_path, text_of(program), tuple(change)), 0)
    assert report.verdict is Verdict.FAIL
    assert all(blame.proved for blame in report.blame) and report.patch
    assert same_as_golden(f"program_{name}", masked(str(report)))
    mended = patched(Path(report.blame[0].file), report.patch)
    for other in (10, 20):
        assert checked(mended, other).verdict is Verdict.PASS

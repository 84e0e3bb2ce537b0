"""Which kernels the advice would try, and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reference_impls import blas

AVX2 = {"pni", "sse4_2", "avx", "avx2", "fma"}
AVX512 = AVX2 | {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


@pytest.mark.parametrize(
    ("kernel", "flags", "expected"),
    [
        ("Haswell", AVX512, ["SkylakeX"]),
        ("Haswell", AVX512 | {"avx512_bf16"}, ["SkylakeX", "Cooperlake"]),
        ("Haswell", AVX2, []),  # Zen's is the same kernel
        ("Zen", AVX512, ["SkylakeX"]),
        ("SkylakeX", AVX512, []),
        ("Prescott", AVX2, ["Nehalem", "Sandybridge", "Haswell", "Zen"]),
        ("neoversen1", set(), []),
        (None, AVX512, []),
    ],
)
def test_candidates(kernel: str | None, flags: set[str], expected: list[str]) -> None:
    """Only what the processor can run, and only what is newer than what runs now."""
    assert blas.candidates(kernel, flags) == expected


def test_flags_are_read_from_cpuinfo() -> None:
    """The first processor's line; none, where there is no such line."""
    assert blas.processor_flags("model name : X\nflags\t\t: fpu avx2 fma\nflags\t\t: fpu\n") == {
        "fpu",
        "avx2",
        "fma",
    }
    assert blas.processor_flags("") == set()


def test_main_names_the_variable_of_the_fastest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Gains are those measured; nothing is set here."""
    seconds = {"Haswell": (2.0, 2.0), "SkylakeX": (1.25, 1.0), "Cooperlake": (1.0, 1.9)}
    monkeypatch.setattr(blas, "kernel_in_use", lambda: "Haswell")
    monkeypatch.setattr(blas, "processor_flags", lambda: AVX512 | {"avx512_bf16"})
    monkeypatch.setattr(blas, "seconds_of_products", seconds.get)
    before = dict(os.environ)
    blas.main()
    printed = capsys.readouterr().out
    assert "SkylakeX: matrix products 1.60 times as fast in float64, 2.00 in float32" in printed
    assert printed.rstrip().endswith("export OPENBLAS_CORETYPE=SkylakeX")
    assert dict(os.environ) == before


def test_measuring_happens_in_a_child() -> None:
    """With the kernel that NumPy takes by itself."""
    double, single = blas.seconds_of_products()
    assert single > 0 and double > 0


def test_importing_the_library_changes_no_environment() -> None:
    """Neither package sets a variable."""
    code = (
        "import os; before = dict(os.environ); import gradcheck, reference_impls.fast_mlp, reference_impls.blas;"
        "assert dict(os.environ) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

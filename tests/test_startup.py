"""What is not imported before it is needed: a start of pytest, and a check that passes, should cost little."""

import subprocess
import sys

import pytest

PASS = "gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, np.arange(3.0))"
LAYER = """
class Scale:
    def forward(self, x):
        self.x = x
        return 3 * x
    def backward(self, u):
        return 3 * u
gradcheck.check_layer(Scale(), np.arange(3.0))
"""

LATE = (
    "numpy.testing", "numpy.f2py", "unittest", "concurrent.futures", "logging", "pathlib", "decimal", "rich", "jinja2",
    "matplotlib", "hypothesis", "pytest", "gradcheck.explain.failure", "gradcheck.explain.blame", "gradcheck.plotting",
    "gradcheck.explain.diagnose", "gradcheck.explain.sensitivity", "gradcheck.report.views.html", "gradcheck.verify",
    "gradcheck.conformance", "gradcheck.exploration", "gradcheck.strategies",
)  # fmt: skip


def imported(code):
    """The modules that ``code`` imports which numpy and autograd alone do not."""
    program = f"""
import sys, numpy as np, autograd.numpy
before = set(sys.modules)
import gradcheck
{code}
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_package_itself_imports_nothing_of_its_own():
    assert [name for name in imported("") if name.startswith("gradcheck")] == ["gradcheck"]


@pytest.mark.parametrize("code", ["gradcheck.check_grad", PASS, LAYER], ids=["named", "function", "layer"])
def test_a_pass_imports_nothing_that_only_a_failure_or_a_page_needs(code):
    assert [name for name in imported(code) if name in LATE] == []


def test_a_failure_imports_what_explains_it():
    found = imported(PASS.replace("2 * x", "3 * x").replace("(3.0)", "(3.0), raise_on_failure=False"))

    assert "gradcheck.explain.failure" in found
    assert "gradcheck.report.views.html" not in found

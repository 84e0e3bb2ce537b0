"""The studies can be imported, checked and trained where no extra is installed."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib, pkgutil, sys

HEAVY = {"torch", "mlxtend", "matplotlib", "plotext", "PIL", "pandas", "sklearn", "scipy"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import reference_impls.case_studies as package

for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    found = importlib.import_module(module.name)
    if hasattr(found, "train") and hasattr(found, "cases"):
        print(module.name, len(found.cases()), *found.train(steps=2).losses)
print(*sorted(HEAVY & set(sys.modules)), "none" )
"""


def test_every_module_imports_and_trains_without_extras():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "none"


def test_modules_run_as_commands_without_complaint():
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "reference_impls.case_studies.xor_backprop",
        "--steps",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert "step      0  loss 2.99914649954" in done.stdout

"""Progress: a bar on a terminal, a line for each tenth anywhere else, and no extra needed to import the trainings."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reference_impls.trainings.command import options
from reference_impls.trainings.progress import progress

PROGRAM = """
import sys

ABSENT = {"torch", "mlxtend", "matplotlib", "PIL", "rich"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from reference_impls.trainings import characters, digits
from reference_impls.trainings.progress import progress

with progress("LSTM", 1) as advance:
    print(*characters.train(characters.start(0, 4), characters.split(0)[0], steps=1, advance=advance))
"""


def test_a_line_for_each_tenth_where_there_is_no_terminal(capsys):
    with progress("net", 25) as advance:
        for step in range(25):
            advance(f"loss {step}")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "net  3/25  loss 2"
    assert lines[-1] == "net  25/25  loss 24"


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    with progress("net", 3) as advance:
        for step in range(3):
            advance(f"loss {step}")
    told = capsys.readouterr()
    assert "3/3" in told.err
    assert "loss 2" in told.err
    assert told.out == ""


def test_the_trainings_run_without_any_extra():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(3.1, abs=0.5)
    assert "LSTM  1/1  loss" in done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [(["--seed", "-1"], "a seed is 0 or more"), (["--picture", "no/x.png"], "no folder no")],
)
def test_what_cannot_be_is_told_before_the_training(given, told, capsys):
    with pytest.raises(SystemExit):
        options("digits", "", "epochs", 1, given)
    assert told in capsys.readouterr().err

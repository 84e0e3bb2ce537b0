"""What the command line, the plugin and a report do where neither rich nor jinja2 is installed."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"rich", "jinja2", "markupsafe"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""

CASES = """
import numpy as np
from gradcheck import Case

X = np.array([0.3, -1.2, 2.0])

def square(x):
    return np.sum(x**2)

def half(x):
    return 1 * x

CASES = [
    Case("zoo/right", square, lambda x: 2 * x, (X,)),
    Case("zoo/on_purpose", square, lambda x: 3 * x, (X,), expect="fail"),
    Case("zoo/half", square, half, (X,)),
]
"""

NEEDS = 'a report as HTML needs jinja2: pip install "gradcheck[cli]"'


@pytest.fixture
def bare(tmp_path):
    """Run Python without the extra, in a folder with cases and a test."""
    (tmp_path / "zoo.py").write_text(CASES)
    (tmp_path / "test_zoo.py").write_text("import zoo\n\ndef test_right():\n    zoo.CASES[0].check()\n")

    def run(code):
        done = subprocess.run(
            [sys.executable, "-c", f"{ABSENT}\n{code}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "100"},
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


def command(*words):
    return f"from gradcheck.cli import main\nsys.exit(main({list(words)!r}))"


def test_verify_prints_its_table_and_reports(bare, tmp_path):
    done = bare(command("verify", "zoo.py", "--json", "out.json"))

    assert done.returncode == 1
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["check", "verdict", "oracles", "resolution", "evaluations", "time"]
    assert lines[1] == "zoo"
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["right", "pass"], ["on_purpose", "fail,"], ["half", "fail,"],
    ]  # fmt: skip
    assert "zoo/half: should pass but failed" in done.stdout
    assert (tmp_path / "out.json").exists()


def test_the_table_is_the_one_that_rich_draws_on_no_terminal(bare):
    code = """
from gradcheck.verify import table
from gradcheck.verify.collect import collect
from gradcheck.verify.outcome import run
outcomes = [run(case) for case in collect(["zoo.py"])]
table.draw(100, outcomes)
print("=====")
sys.meta_path.pop(0)
table.draw(100, outcomes)
print(*{"rich"} & set(sys.modules))
"""
    plain, _, drawn = bare(code).stdout.partition("=====\n")

    assert drawn == plain + "rich\n"


@pytest.mark.parametrize(
    "what", [["verify", "zoo.py"], ["check", "zoo.py:square", "zoo.py:half", "--shapes", "x=n"]]
)
def test_html_is_refused_before_anything_runs(what, bare, tmp_path):
    done = bare(command(*what, "--html", "out.html"))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"gradcheck: {NEEDS}\n"
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "scale"],
        ["explain", "zoo.py:11"],
        ["check", "zoo.py:square", "zoo.py:half", "--shapes", "x=n"],
    ],
)
def test_other_commands_print_text(words, bare):
    done = bare(command(*words))

    assert done.stderr == ""
    assert "scale" in done.stdout


def test_a_report_shows_its_text_and_says_what_its_page_needs(bare):
    done = bare("""
import zoo
report = zoo.CASES[2].run()
print(report._repr_html_())
try:
    report.to_html()
except ImportError as error:
    print(error)
""")

    assert done.stdout.startswith("<pre>fail: the gradient is wrong in x")
    assert done.stdout.endswith(f"</pre>\n{NEEDS}\n")


@pytest.mark.parametrize(("report", "status"), [("out.json", 0), ("out.html", pytest.ExitCode.USAGE_ERROR)])
def test_the_plugin_refuses_html_alone(report, status, bare):
    installed = any(entry.name == "gradcheck" for entry in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "gradcheck.pytest_plugin"]
    done = bare(f"import pytest\nsys.exit(pytest.main({['-q', *plugin, '--gradcheck-report', report]!r}))")

    assert done.returncode == status
    assert (f"--gradcheck-report=out.html: {NEEDS}" in done.stderr) == (status != 0)


def test_checking_is_declared_to_need_numpy_and_autograd_alone():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert [needed.partition(">")[0] for needed in project["dependencies"]] == ["numpy", "autograd"]
    assert [needed.partition(">")[0] for needed in project["optional-dependencies"]["cli"]] == [
        "rich",
        "jinja2",
    ]

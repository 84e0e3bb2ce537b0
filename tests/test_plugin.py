"""The pytest plugin, seen from a test session of its own."""

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from types import SimpleNamespace

import pytest

from gradcheck.findings import Blind
from gradcheck.report.views.text import BLIND
from tests import sessions

TESTS = """
import numpy as np
import pytest
import gradcheck

X = np.array([0.3, -1.2, 2.0])

def square(x):
    return np.sum(x**2)

@pytest.fixture
def checked():
    return gradcheck.check_grad(square, lambda x: 2 * x, X)

def test_right(checked):
    assert gradcheck.check_vjp(np.sin, lambda u, x: u * np.cos(x), X).ok

def test_wrong_on_purpose():
    with pytest.raises(gradcheck.GradientMismatch):
        gradcheck.check_grad(square, lambda x: 1 * x, X)

def test_wrong():
    gradcheck.check_grad(square, lambda x: 3 * x, X)

def test_without_a_check():
    assert True
"""


def run(folder, *options):
    """Run TESTS in a session of its own, in ``folder``."""
    (folder / "test_zoo.py").write_text(TESTS)
    return sessions.session(folder, *options)


def run_as_installed(folder, *options):
    """The same as a shell has it, with all plugins there are; by name where the library runs uninstalled."""
    (folder / "test_zoo.py").write_text(TESTS)
    installed = any(entry.name == "gradcheck" for entry in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "gradcheck.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """One run of TESTS with every option; its ``folder`` holds the reports, ``printed`` what it said."""
    folder = tmp_path_factory.mktemp("session")
    options = (
        "--gradcheck-report",
        "checks.json",
        "--gradcheck-report",
        "checks.html",
        "--gradcheck-seed",
        "5",
    )
    done = run_as_installed(folder, *options)
    checks = json.loads((folder / "checks.json").read_text())
    return SimpleNamespace(folder=folder, printed=done.stdout, checks=checks["checks"], ok=checks["ok"])


def test_summary_tells_how_many_checks_ran_and_how_sharp_they_were(session):
    assert "1 failed, 3 passed" in session.printed
    assert re.search(
        r"=+ gradcheck =+\n4 checks of 4 leaves in 3 tests: 2 pass, 2 fail; \d+ evaluations of f; "
        r"every leaf that passed is right to \S+ or better\n",
        session.printed,
    )


def test_failure_prints_the_report(session):
    printed = " ".join(session.printed.replace("E  ", "").split())

    assert "GradientMismatch: fail: the gradient is wrong in x" in printed
    assert "x is 1.5 times the truth" in printed


def test_failure_points_at_the_test_and_shows_no_frame_of_the_library(session):
    assert re.search(r"^test_zoo.py:\d+: GradientMismatch", session.printed, re.MULTILINE)


def test_the_short_summary_has_the_place_and_what_is_wrong_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")  # then pytest cuts no line of it

    printed = run(tmp_path).printed

    (last,) = [line for line in printed.splitlines() if line.startswith("FAILED")]
    assert re.match(r"FAILED test_zoo.py::test_wrong - test_zoo.py:\d+:\d+: .* x is right", last)
    assert printed.count("worst entries first") == 1


def test_of_what_could_not_be_decided_the_short_summary_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")

    done, _ = session_of(tmp_path, BOUND)

    (last,) = [line for line in done.printed.splitlines() if line.startswith("FAILED")]
    assert last.startswith("FAILED test_one.py::test_strict - inconclusive: axis 0 of x has length 1")


def test_json_report_names_each_check_by_its_test(session):
    assert session.ok is False
    assert [(check["name"], check["verdict"], check["test"]) for check in session.checks] == [
        ("test_zoo.py::test_right", "pass", "passed"),
        ("test_zoo.py::test_right", "pass", "passed"),
        ("test_zoo.py::test_wrong_on_purpose", "fail", "passed"),
        ("test_zoo.py::test_wrong", "fail", "failed"),
    ]


def test_html_report(session):
    page = (session.folder / "checks.html").read_text()

    assert "test_zoo.py::test_wrong_on_purpose" in page
    assert "not as expected" not in page  # of a failed test other checks may be right
    assert page.count("in a failed test") == 2  # the check, and the button


def test_seed_reaches_the_checks(session):
    assert {check["seed"] for check in session.checks} == {5}


def test_a_report_of_no_check_is_not_ok(tmp_path):
    done = run(tmp_path, "-k", "without", "--gradcheck-report", "checks.json")

    assert "no check ran" in done.printed
    assert json.loads((tmp_path / "checks.json").read_text()) == {"schema": 1, "checks": [], "ok": False}


def test_nothing_is_said_where_nothing_was_checked_and_no_report_wanted(tmp_path):
    assert "gradcheck =" not in run(tmp_path, "-k", "without").printed


@pytest.mark.parametrize(
    ("file", "problem"),
    [("checks.txt", "the name should end in .json or .html"), ("none/such.json", "there is no folder none")],
)
def test_a_report_that_cannot_be_written_is_refused_before_any_test(tmp_path, file, problem):
    done = run(tmp_path, "--gradcheck-report", file)

    assert done.status == pytest.ExitCode.USAGE_ERROR
    assert f"{file}: {problem}" in done.printed


def test_a_report_that_is_a_folder_is_refused_before_any_test(tmp_path):
    (tmp_path / "checks.html").mkdir()

    done = run(tmp_path, "--gradcheck-report", "checks.html")

    assert done.status == pytest.ExitCode.USAGE_ERROR
    assert "checks.html: this is a folder" in done.printed


def test_a_report_that_could_not_be_written_in_the_end_is_told_and_no_crash(tmp_path):
    (tmp_path / "test_one.py").write_text("import os\n\ndef test_one():\n    os.mkdir('out.json')\n")

    done = run(tmp_path, "--gradcheck-report", "out.json", "--gradcheck-report", "out.html", "test_one.py")

    assert done.status == pytest.ExitCode.USAGE_ERROR
    assert "out.json cannot be written: Is a directory" in done.printed
    assert "all of them in out.html" in done.printed
    assert "Traceback" not in done.printed


def test_a_report_is_written_where_nothing_is_printed(tmp_path):
    run(tmp_path, "-p", "no:terminal", "--gradcheck-report", "out.json")

    assert len(json.loads((tmp_path / "out.json").read_text())["checks"]) == 4


def test_the_plugin_itself_imports_nothing_heavy():
    code = """if True:
        import pytest, sys
        before = set(sys.modules)
        import gradcheck.pytest_plugin
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(sorted(new & {"autograd", "jinja2", "numpy", "rich"}))
    """

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_all_checks_can_be_strict(tmp_path):
    one = "import numpy as np, gradcheck\n\n\ndef test_one():\n    x = np.array([[1.0, 2.0]])\n"
    (tmp_path / "test_lone.py").write_text(
        f"{one}    gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, x)\n"
    )
    assert " passed" in run(tmp_path, "test_lone.py").printed
    assert "has length 1" in run(tmp_path, "--gradcheck-strict", "test_lone.py").printed


def session_of(folder, text, *options, settings=""):
    """A session of its own over one file, with its report as data."""
    (folder / "test_one.py").write_text(text)
    (folder / "pytest.ini").write_text(f"[pytest]\n{settings}\n")
    done = run(folder, "--gradcheck-report", "out.json", *options, "test_one.py")
    report = folder / "out.json"
    return done, json.loads(report.read_text())["checks"] if report.exists() else []


BOUND = """
import numpy as np
import pytest

def square(x):
    return np.sum(x**2)

def test_plain(gradcheck):
    gradcheck.check_grad(square, lambda x: 2 * x, np.array([0.3, -1.2]))

@pytest.mark.gradcheck(seed=7, rtol=1e-4)
def test_marked(gradcheck):
    gradcheck.check_grad(square, lambda x: 2 * x, np.array([0.3, -1.2]))

@pytest.mark.gradcheck(strict=True)
def test_strict(gradcheck):
    gradcheck.check_grad(square, lambda x: 2 * x, np.array([[0.3, -1.2]]))
"""


def test_the_fixture_and_the_marker_bind_options(tmp_path):
    done, checks = session_of(tmp_path, BOUND, "--strict-markers")
    assert "1 failed, 2 passed" in done.printed
    assert [(check["seed"], check["rtol"]) for check in checks[:2]] == [(0, 1e-3), (7, 1e-4)]
    assert checks[2]["verdict"] == "inconclusive"
    assert "inconclusive: test_one.py::test_strict" in done.printed


def test_settings_hold_where_the_command_line_says_nothing(tmp_path):
    settings = "gradcheck_seed = 5\ngradcheck_rtol = 1e-5\n"
    _, checks = session_of(tmp_path, BOUND, settings=settings)
    assert (checks[0]["seed"], checks[0]["rtol"]) == (5, 1e-5)
    _, checks = session_of(tmp_path, BOUND, "--gradcheck-seed", "9", settings=settings)
    assert (checks[0]["seed"], checks[1]["seed"]) == (9, 7)
    done, _ = session_of(tmp_path, BOUND, settings="gradcheck_seed = some\n")
    assert "gradcheck_seed = 'some' in the settings is no number" in done.printed


@pytest.mark.parametrize(("given", "told"), [("allow=1e-3", "allow="), ("3", "3 without a name")])
def test_a_test_with_a_marker_that_takes_no_such_thing_is_not_run(tmp_path, given, told):
    done, checks = session_of(tmp_path, BOUND.replace("strict=True", given))

    assert "2 passed, 1 error" in done.printed
    assert f"the marker gradcheck takes no {told}; it is gradcheck(seed=" in done.printed
    assert len(checks) == 2


def test_under_xdist_a_wrong_marker_is_told_as_well(tmp_path):
    pytest.importorskip("xdist")
    done, _ = session_of(
        tmp_path, BOUND.replace("strict=True", "rtoll=1e-3"), "-p", "xdist.plugin", "-n", "2"
    )

    assert "the marker gradcheck takes no rtoll=" in done.printed
    assert "INTERNALERROR" not in done.printed


def test_a_report_of_what_did_not_pass_alone(tmp_path):
    done, checks = session_of(tmp_path, BOUND, "--gradcheck-only-failing")
    assert [check["name"] for check in checks] == ["test_one.py::test_strict"]
    assert "those that did not pass in out.json" in done.printed


def test_a_report_of_what_did_not_pass_tells_how_all_went(tmp_path):
    report = ("--gradcheck-only-failing", "--gradcheck-report", "out.html", "-k", "plain")
    _, checks = session_of(tmp_path, BOUND, *report)

    assert checks == []
    assert json.loads((tmp_path / "out.json").read_text())["ok"]
    assert "1 check of 1 leaf in 1 test: 1 pass" in (tmp_path / "out.html").read_text()


def test_a_report_outlives_a_look_at_which_tests_there_are(tmp_path):
    session_of(tmp_path, BOUND)
    done, checks = session_of(tmp_path, BOUND, "--collect-only")

    assert len(checks) == 3
    assert "out.json" not in done.printed and "no check ran" not in done.printed


AGAIN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, nextitem=item, log=False)
    item._initrequest()
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


def test_what_a_test_failed_by_is_not_what_its_rerun_passed_by(tmp_path):
    text = """
import numpy as np
import gradcheck

factors = [3, 2]

def test_flaky():
    factor = factors.pop(0)
    gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: factor * x, np.array([0.3, -1.2]))
"""
    (tmp_path / "conftest.py").write_text(AGAIN)  # as pytest-rerunfailures runs an item again
    session_of(tmp_path, text, "--junitxml", "junit.xml")
    told = (tmp_path / "junit.xml").read_text()

    assert told.count("<property ") == 1
    assert "pass: the gradient is right" in told


MISUSED = """
import numpy as np
import pytest
import gradcheck
from gradcheck import Case

X = np.array([0.3, -1.2])
F, G = (lambda x: np.sum(x**2)), (lambda x: 2 * x)

@pytest.mark.parametrize("check", [
    lambda: gradcheck.check_grad(F, G, X, argnums=3),
    lambda: gradcheck.check_grad(F, G, "x"),
    lambda: gradcheck.check_grad(F, G, X, rtoll=1e-3),
    lambda: gradcheck.check_grad(F, G, X, rtol=2),
    lambda: gradcheck.check_grad(F, G, X, allow={"b": 1e-3}),
    lambda: gradcheck.check_grad(lambda x: x, G, X),
    lambda: gradcheck.check_grad(lambda W, b: np.sum(W * b), lambda W, b: W, X, X),
    lambda: gradcheck.check_layer(object(), X),
    lambda: gradcheck.derivative(3),
    lambda: gradcheck.explore(F, G, shapes={"x": "n ("}),
    lambda: gradcheck.cases([1]),
    lambda: gradcheck.shapes(X="n ("),
    lambda: Case("c", F, G, X),
    lambda: Case("c", F, G, (X,), argnums=4).check(),
])
def test_misuse(check):
    check()

@gradcheck.layers(lambda: Slipped(), X)
def test_layer(check):
    check()

class Slipped:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, cotangent):
        return 3 * self.x * cotangent
"""


@pytest.mark.parametrize("style", ["long", "short"])
def test_misuse_and_failures_are_shown_where_they_are(tmp_path, style):
    printed = session_of(tmp_path, MISUSED, f"--tb={style}", "--gradcheck-budget=0")[0].printed

    assert printed.count("FAILED test_one.py::test_misuse") == 14
    assert "FAILED test_one.py::test_layer[derivative]" in printed
    assert not re.search(r"gradcheck/\S+\.py:\d+:? ", printed)


def test_the_way_to_misuse_is_shown_if_asked(tmp_path):
    printed = session_of(tmp_path, MISUSED, "--full-trace", "-k", "test_misuse")[0].printed

    assert re.search(r"gradcheck/ask/options\.py:\d+: ValueError", printed)


def test_frames_of_a_folder_that_is_called_as_we_are_are_shown(tmp_path):
    folder = tmp_path / "gradcheck"
    folder.mkdir()
    text = (
        MISUSED
        + """
def helper(exponent):
    raise ValueError(exponent)

def test_theirs():
    helper(3)
"""
    )
    (folder / "test_one.py").write_text(text)
    done, _ = session_of(tmp_path, "", "gradcheck", "--import-mode=importlib", "-k", "theirs or misuse")

    assert ">       check()" in done.printed and ">       helper(3)" in done.printed
    assert ">       raise ValueError(exponent)" in done.printed


def test_code_whose_module_has_no_name_may_fail(tmp_path):
    text = """
def test_made():
    made = {"__name__": None}
    exec("def fail(): raise ValueError('made')", made)
    made["fail"]()
"""
    assert "FAILED test_one.py::test_made - ValueError: made" in session_of(tmp_path, text)[0].printed


def test_every_failure_of_ours_is_one_line_of_the_short_summary(tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")
    text = """
import numpy as np
import gradcheck
from gradcheck import Case

F, X = (lambda x: np.sum(x**3)), np.array([0.3, -1.2])

def test_case():
    Case("sine", F, lambda x: 3 * x**2, (X,), expect="fail").check()

def test_exploration():
    gradcheck.explore(F, lambda x: 3 * x, shapes={"x": "n"}, seconds=1)

def test_of_nothing():
    def refusing(x):
        if not x.size:
            raise ValueError("nothing\\nis there")
        return 3 * x**2

    gradcheck.explore(F, refusing, shapes={"x": "n"}, seconds=2)

def test_shape():
    gradcheck.check_grad(F, lambda x: None, X)
"""
    printed = session_of(tmp_path, text)[0].printed
    _, _, summary = printed.partition("short test summary info")
    case, exploration, nothing, shape, _ = summary.splitlines()[1:]

    assert case == "FAILED test_one.py::test_case - sine should fail but passed"
    assert re.match(r"FAILED test_one.py::test_exploration - n = 1: test_one.py:12:\d+: `", exploration)
    assert nothing.endswith("the claim raises ValueError: nothing is there")
    assert shape.startswith(
        "FAILED test_one.py::test_shape - fail: the gradient is wrong in x; shape: no gradient"
    )


def test_junit_says_which_checks_a_test_made(tmp_path):
    session_of(tmp_path, BOUND, "--junitxml", "junit.xml")
    text = (tmp_path / "junit.xml").read_text()
    assert text.count('<property name="gradcheck"') == 3
    assert "pass: the gradient is right to 1e-9 or better" in text


def test_cases_of_a_module_are_tests(tmp_path):
    (tmp_path / "mycases.py").write_text(
        "import numpy as np\nfrom gradcheck import Case\n\n"
        "X = np.array([0.3, -1.2])\n"
        "CASES = [Case('sine', lambda x: np.sum(np.sin(x)), np.cos, (X,)),\n"
        "         Case('slip', lambda x: np.sum(np.sin(x)), np.sin, (X,))]\n"
    )
    text = "import gradcheck\n\n@gradcheck.cases('mycases.py')\ndef test_case(case):\n    case.check()\n"
    done, checks = session_of(tmp_path, text)
    assert "1 failed, 1 passed" in done.printed
    assert [check["name"] for check in checks] == [
        "test_one.py::test_case[sine]",
        "test_one.py::test_case[slip]",
    ]
    done, _ = session_of(tmp_path, text.replace("mycases.py", "none.py"))
    assert "none.py" in done.printed


def test_cases_of_a_module_that_is_at_hand_are_tests_and_a_list_is_told_where_it_belongs(tmp_path):
    (tmp_path / "mycases.py").write_text(
        "import numpy as np\nfrom gradcheck import Case\n\n"
        "CASES = [Case('sine', lambda x: np.sum(np.sin(x)), np.cos, (np.array([0.3, -1.2]),))]\n"
    )
    text = "import gradcheck, mycases\n\n@gradcheck.cases(mycases)\ndef test_case(case):\n    case.check()\n"
    done, _ = session_of(tmp_path, text)
    assert "1 passed" in done.printed
    done, _ = session_of(tmp_path, text.replace("(mycases)", "(mycases.CASES)"))
    assert '@pytest.mark.parametrize("case", that_list)' in done.printed
    assert "parametrize.py" not in done.printed


def test_every_kind_of_blind_spot_has_words():
    assert set(BLIND) == set(Blind)


def test_what_was_not_seen_is_counted(tmp_path):
    done, _ = session_of(tmp_path, BOUND.replace("@pytest.mark.gradcheck(strict=True)", ""))
    assert (
        "not seen: axes of length 1 (1) (report.unseen; --gradcheck-strict makes these inconclusive)"
        in done.printed
    )

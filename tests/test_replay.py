"""One check of a test, made alone once more by the command that its failure names; and how long a failure may take."""

import json
import re
import shlex

import pytest

import gradcheck
from gradcheck.ask import ambient
from gradcheck.ask.replay import Turns, command, numbers
from tests import sessions

TESTS = """
import numpy as np
import pytest
import gradcheck

X = np.array([0.3, -1.2, 2.0])

def square(x):
    print("f")
    return np.sum(x**2)

@pytest.mark.parametrize("word", ["plain", "a b"])
def test_fourth(word):
    for factor in (2, 2, 2, 3):
        gradcheck.check_grad(square, lambda x: factor * x, X)

def test_caught():
    gradcheck.check_grad(square, lambda x: 2 * x, X)
    with pytest.raises(gradcheck.GradientMismatch):
        gradcheck.check_grad(square, lambda x: 1 * x, X)
    gradcheck.check_grad(square, lambda x: 3 * x, X)

def test_handed_back():
    right = gradcheck.check_grad(square, lambda x: 2 * x, X, raise_on_failure=False)
    assert right.ok
    gradcheck.check_grad(square, lambda x: 3 * x, X)

def test_right():
    gradcheck.check_grad(square, lambda x: 2 * x, X)
    gradcheck.check_grad(square, lambda x: 2 * x, X)
"""


@pytest.fixture
def session(tmp_path):
    """Run pytest over TESTS, or other tests, with these options: what it printed, and its checks."""

    def run(*options, text=TESTS):
        (tmp_path / "test_zoo.py").write_text(text)
        printed = sessions.session(tmp_path, "--gradcheck-report", "out.json", *options).printed
        file = tmp_path / "out.json"
        return printed, json.loads(file.read_text())["checks"] if file.exists() else []

    return run


def commands(printed):
    """What follows "pytest" in each line that says how to make a check alone."""
    return [shlex.split(found) for found in re.findall(r"alone: pytest (.+)$", printed, re.MULTILINE)]


@pytest.mark.parametrize(
    "extra", [[], ["-p", "xdist", "-n", "2"], ["--rootdir", ".."]], ids=["alone", "xdist", "below the root"]
)
def test_a_failure_names_the_command_that_makes_its_check_alone(extra, session):
    if "-n" in extra:
        pytest.importorskip("xdist")
    printed, checks = session(
        "-q", "--gradcheck-seed", "7", "--gradcheck-budget", "0", "--show-capture=no", *extra
    )

    told = {tuple(words) for words in commands(printed)}
    assert told == {
        ("test_zoo.py::test_fourth[plain]", "--gradcheck-seed=7", "--gradcheck-only=4"),
        ("test_zoo.py::test_fourth[a b]", "--gradcheck-seed=7", "--gradcheck-only=4"),
        ("test_zoo.py::test_caught", "--gradcheck-seed=7", "--gradcheck-only=2"),
        ("test_zoo.py::test_caught", "--gradcheck-seed=7", "--gradcheck-only=2,3"),
        ("test_zoo.py::test_handed_back", "--gradcheck-seed=7", "--gradcheck-only=2"),
    }
    assert {(check["name"].partition("::")[2], check["id"]) for check in checks if check["verdict"] == "fail"} == {
        ("test_fourth[plain]", 4), ("test_fourth[a b]", 4), ("test_caught", 2), ("test_caught", 3),
        ("test_handed_back", 2),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("test", "number", "ids"),
    [("test_fourth[a b]", 0, [4]), ("test_caught", 1, [2, 3]), ("test_handed_back", 0, [2])],
)
def test_the_command_makes_the_same_check_fail_and_no_other(test, number, ids, session):
    printed, first = session("-q", "--gradcheck-seed", "7", "--gradcheck-budget", "0", f"test_zoo.py::{test}")
    printed, again = session("-q", "--gradcheck-budget", "0", *commands(printed)[number])

    assert "1 failed" in printed
    assert [check["id"] for check in again] == ids
    last = [check for check in first if check["id"] == ids[-1]]
    assert [check["leaves"] for check in again if check["id"] == ids[-1]] == [
        check["leaves"] for check in last
    ]


def test_what_is_left_out_calls_nothing(session):
    printed, checks = session(
        "-s", "--gradcheck-budget", "0", "--gradcheck-only=2", "test_zoo.py::test_right"
    )

    assert [check["id"] for check in checks] == [2]
    assert printed.count("f\n") - printed.count("of f\n") == checks[0]["evaluations"]


def test_a_test_that_is_run_twice_counts_from_1_twice(session, tmp_path):
    (tmp_path / "conftest.py").write_text("""
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):  # as plugins that run failures again have it
    for _ in range(2):
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            item.ihook.pytest_runtest_logreport(report=report)
    return True
""")
    _, checks = session("-q", "-k", "right")

    assert [check["id"] for check in checks] == [1, 2, 1, 2]


def test_options_and_what_shuffles_are_part_of_the_command(session, tmp_path):
    (tmp_path / "conftest.py").write_text("""
def pytest_addoption(parser):
    parser.addoption("--randomly-seed", dest="randomly_seed", type=int)
""")
    printed, _ = session(
        "-q", "--gradcheck-budget=0", "--gradcheck-strict", "--gradcheck-rtol=1e-05", "--randomly-seed=3",
        "-k", "fourth and plain",
    )  # fmt: skip

    options = ["--gradcheck-seed=0", "--gradcheck-only=4", "--gradcheck-strict", "--gradcheck-rtol=1e-05"]
    assert commands(printed) == [["test_zoo.py::test_fourth[plain]", *options, "--randomly-seed=3"]]


def test_hypothesis_finds_its_own_way_back(session):
    pytest.importorskip("hypothesis")
    printed, _ = session(
        "-q",
        "--gradcheck-budget=0",
        text="""
import gradcheck
import numpy as np
from hypothesis import given, settings, strategies as st

@settings(database=None, derandomize=True, max_examples=5)
@given(st.integers(1, 3))
def test_drawn(size):
    gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 3 * x, np.ones(size))
""",
    )

    told = commands(printed)
    assert told
    assert all(words == ["test_zoo.py::test_drawn", "--gradcheck-seed=0"] for words in told)


@pytest.mark.parametrize("text", ["0", "x", "1,,2", "-1", ""])
def test_a_number_that_is_none_is_refused(text, session):
    with pytest.raises(ValueError, match="is no number of a check"):
        numbers(text)


def test_the_command_line_refuses_it_too(session):
    printed, checks = session("--gradcheck-only=0")

    assert "argument --gradcheck-only: '0' is no number of a check" in printed
    assert checks == []


def test_numbers_are_read():
    assert numbers("2") == [2]
    assert numbers("1, 4") == [1, 4]


def test_a_shell_gets_the_test_s_name_whole():
    for name in (
        "t.py::test[a b]",
        "t.py::test[$x]",
        "t.py::test['q']",
        't.py::test["q"]',
        "t.py::test[a`b\\c!]",
    ):
        assert shlex.split(command(name, ["--x=1"])) == ["pytest", name, "--x=1"]


def test_a_check_that_is_left_out_is_no_pass():
    turns, heard = Turns(only=[2]), []
    with (
        turns.counting(),
        ambient.given(turn=turns.begin),
        ambient.listening(lambda report, _: heard.append(report)),
    ):
        report = gradcheck.check_grad(abs, abs, 1.5)

    assert report.verdict == "inconclusive"
    assert not report.ok
    assert report.evaluations == 0
    assert "left out" in str(report)
    assert heard == []


@pytest.mark.parametrize("given", [["--gradcheck-budget=-1"], ["--gradcheck-budget=nan"]])
def test_a_budget_that_is_none_is_refused_before_any_test(given, session):
    printed, checks = session(*given)

    assert "it is a number of seconds, 0 or more" in printed
    assert checks == []


def test_the_budget_stands_in_the_settings_and_for_one_test_in_its_marker(session, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\ngradcheck_budget = 0\n")
    _, checks = session(
        "-q", text=TESTS.replace("def test_caught", "@pytest.mark.gradcheck(budget=5.0)\ndef test_caught")
    )

    searched = {
        check["name"].partition("::")[2]: bool(check["blame"])
        for check in checks
        if check["verdict"] == "fail"
    }
    assert searched == {
        "test_fourth[plain]": False, "test_fourth[a b]": False, "test_caught": True, "test_handed_back": False,
    }  # fmt: skip


SHARED = """
import numpy as np
import pytest
import gradcheck

X = np.array([0.3, -1.2, 2.0])

def square(x):
    return np.sum(x**2)

@pytest.fixture(scope="module")
def checked():
    gradcheck.check_grad(square, lambda x: 2 * x, X)

def test_first(checked):
    gradcheck.check_grad(square, lambda x: 2 * x, X)

def test_second(checked):
    gradcheck.check_grad(square, lambda x: 2 * x, X)
    gradcheck.check_grad(square, lambda x: 3 * x, X)

@pytest.fixture
def wrong():
    gradcheck.check_grad(square, lambda x: 3 * x, X)

def test_third(wrong):
    pass
"""


def test_what_fixtures_check_is_not_counted_for_who_sets_them_up_depends_on_what_is_run(session):
    printed, _ = session("-q", "--gradcheck-budget=0", text=SHARED)
    second, third = commands(printed)[::-1]

    assert second == ["test_zoo.py::test_second", "--gradcheck-seed=0", "--gradcheck-only=2"]
    assert third == ["test_zoo.py::test_third", "--gradcheck-seed=0"]
    printed, checks = session("-q", "--gradcheck-budget=0", *second, text=SHARED)
    assert [(check["id"], check["verdict"]) for check in checks] == [(0, "pass"), (2, "fail")]
    printed, checks = session("-q", "--gradcheck-budget=0", *third, text=SHARED)
    assert [(check["id"], check["verdict"]) for check in checks] == [(0, "fail")]


IN_THREADS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy as np
import gradcheck

X = np.array([0.3, -1.2, 2.0])
together = Barrier(2)

def check(factor, wait=lambda: None):
    def f(x):
        return np.sum(x**2)

    def claim(x):
        if not together.broken:
            wait()
        return factor * x

    gradcheck.check_grad(f, claim, X)

def test_two_at_once():
    def one(factor):
        try:
            check(factor, lambda: together.wait(30) and together.abort())
        except Exception as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        errors = [error for error in pool.map(one, [3, 2]) if error]
    assert not errors

def test_in_another():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(check, 2).result()
        pool.submit(check, 3).result()

def test_one_inside_another():
    def f(x):
        gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, X)
        return np.sum(x**2)

    gradcheck.check_grad(f, lambda x: 3 * x, X)

def test_a_failure_inside_another():
    def f(x):
        try:
            gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 1 * x, X)
        except gradcheck.GradientMismatch:
            return np.sum(x**3)
        return np.sum(x**2)

    gradcheck.check_grad(f, lambda x: 2 * x, X)
"""


def test_checks_keep_their_numbers_in_threads_and_inside_one_another(session):
    options = ["-q", "--gradcheck-budget=0", "-p", "no:randomly"]
    printed, checks = session(*options, text=IN_THREADS)
    told = {words[0].split("::")[1]: words for words in commands(printed)}

    at_once = [check for check in checks if "at_once" in check["name"]]
    assert sorted(check["id"] for check in at_once) == [1, 2]
    assert not [
        word for word in told["test_two_at_once"] if "only" in word
    ]  # the next time the other may be first
    assert "--gradcheck-only=2" in told["test_in_another"]
    (outer,) = [check for check in checks if "one_inside" in check["name"] and check["verdict"] == "fail"]
    assert outer["id"] == 1 and "--gradcheck-only=1" in told["test_one_inside_another"]
    again, made = session(
        "test_zoo.py::test_in_another", *told["test_in_another"][1:], *options, text=IN_THREADS
    )
    assert "1 failed" in again and [check["verdict"] for check in made] == ["fail"]

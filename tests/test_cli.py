"""The command, as it is typed."""

import json

import pytest

from gradcheck import cli

ZOO = """
import numpy as np
from gradcheck import Case

X = np.array([0.3, -1.2, 2.0])

def square(x):
    return np.sum(x**2)

def right(x):
    return 2 * x

def half(x):
    return 1 * x

def broken(x):
    raise RuntimeError("out of cheese")

"""

GOOD = (
    ZOO
    + """
def cases():
    return [Case("zoo/right", square, right, (X,)), Case("zoo/half", square, half, (X,), expect="fail")]
"""
)

BAD = (
    ZOO
    + """
def cases():
    return [
        Case("zoo/right", square, right, (X,), expect="fail"),
        Case("zoo/half", square, half, (X,)),
        Case("zoo/refused", square, right, ()),
        Case("zoo/last", square, right, (X,)),
    ]
"""
)

KEYS = {
    "name", "expected", "verdict", "oracles", "evaluations", "seconds", "seed", "leaves", "diagnoses", "blame",
    "reasons", "unseen",
}  # fmt: skip


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


@pytest.fixture
def zoo(tmp_path):
    def write(source):
        file = tmp_path / "zoo.py"
        file.write_text(source)
        return str(file)

    return write


def run(*arguments):
    return cli.main(["verify", *map(str, arguments)])


def test_exit_status_0_when_all_is_as_expected(zoo, capsys):
    assert run(zoo(GOOD)) == 0

    printed = capsys.readouterr().out
    assert "2 checks, 1 right, 1 wrong on purpose and caught" in printed
    assert "NOT AS EXPECTED" not in printed


def test_table_shows_verdict_oracles_resolution_and_cost(zoo, capsys):
    run(zoo(GOOD))

    header, group, right, half, *_ = capsys.readouterr().out.splitlines()
    assert header.split() == ["check", "verdict", "oracles", "resolution", "evaluations", "time"]
    assert group.strip() == "zoo"
    assert right.split()[:4] == ["right", "pass", "autograd,", "differences"]
    assert float(right.split()[4]) < 1e-6
    assert half.split()[:3] == ["half", "fail,", "expected"]


def test_specimens_are_shown_with_leaf_size_and_mistake(zoo, capsys):
    run(zoo(GOOD))

    shown = capsys.readouterr().out.partition("Wrong on purpose, and what was found")[2]
    assert "x: relative error up to 0.5, worst entry [2]" in shown
    assert "scale: x is 0.5 times the truth" in " ".join(shown.split())


def test_exit_status_1_and_all_the_rest_when_one_is_not(zoo, capsys):
    assert run(zoo(BAD)) == 1

    printed = " ".join(capsys.readouterr().out.split())
    assert "zoo/right: should fail but passed" in printed
    assert "zoo/half: should pass but failed" in printed
    assert "zoo/refused: the check raised" in printed
    assert "4 checks, 1 right, 3 NOT AS EXPECTED" in printed


def test_progress_goes_to_stderr_so_that_the_table_can_be_piped(zoo, capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    run(zoo(GOOD))

    out, err = capsys.readouterr()
    assert "2/2" in err
    assert "2/2" not in out


def test_json_has_exactly_the_contract_s_keys(zoo, tmp_path):
    file = tmp_path / "out.json"
    run(zoo(GOOD), "--json", file)

    whole = json.loads(file.read_text(), parse_constant=refuse)

    assert whole.keys() == {"schema", "checks", "left", "ok"}
    assert whole["schema"] == 1
    assert whole["ok"] is True
    assert [check.keys() for check in whole["checks"]] == [KEYS, KEYS]
    assert [check["expected"] for check in whole["checks"]] == ["pass", "fail"]
    assert [check["verdict"] for check in whole["checks"]] == ["pass", "fail"]
    assert whole["checks"][1]["diagnoses"][0]["kind"] == "scale"
    assert whole["checks"][0]["oracles"] == ["autograd", "differences"]


def test_json_says_what_is_not_as_expected(zoo, tmp_path):
    file = tmp_path / "out.json"
    run(zoo(BAD), "--json", file)

    whole = json.loads(file.read_text(), parse_constant=refuse)

    assert whole["ok"] is False
    assert [check["verdict"] for check in whole["checks"]] == ["pass", "fail", "error", "pass"]
    assert ["problem" in check for check in whole["checks"]] == [True, True, True, False]
    half, refused = whole["checks"][1:3]
    assert [(one["line"], one["expression"], one["proved"]) for one in half["blame"]] == [(14, "1", True)]
    assert (refused["blame"], refused["reasons"], refused["seed"]) == ([], [], None)


def test_json_holds_seed_reasons_and_what_was_not_seen(zoo, capsys):
    source = (
        ZOO
        + """
def noisy(x):
    return np.sum(x) + np.random.default_rng().random()

def cases():
    return [Case("noisy", noisy, np.ones_like, (X,)), Case("one", square, right, (np.ones((1, 1)),))]
"""
    )
    run(zoo(source), "--format", "json", "--seed", "4")

    noisy, one = json.loads(capsys.readouterr().out)["checks"]
    assert (noisy["seed"], one["seed"]) == (4, 4)
    assert "f is random" in noisy["reasons"][0]
    assert {each["kind"] for each in one["unseen"]} >= {"axis"}
    assert one["reasons"] == []


def test_html_is_one_page_of_everything(zoo, tmp_path):
    file = tmp_path / "out.html"
    run(zoo(BAD), "--html", file)

    page = file.read_text()

    assert page.startswith("<!doctype html>")
    for name in ("zoo/right", "zoo/half", "zoo/refused", "zoo/last"):
        assert name in page


def test_a_broken_module_is_reported_and_fails_the_run(tmp_path, capsys):
    file = tmp_path / "broken_zoo.py"
    file.write_text("import nowhere_to_be_found")

    assert run(file) == 1
    assert "ModuleNotFoundError" in capsys.readouterr().out


def test_k_chooses(zoo, capsys):
    assert run(zoo(BAD), "-k", "last") == 0
    assert "1 check, 1 right" in capsys.readouterr().out


def test_seed_reaches_every_check_that_names_none(zoo, tmp_path, capsys):
    source = GOOD.replace("(X,)),", "(X,), seed=3),").replace("expect=", "expect=")
    file = tmp_path / "out.html"

    run(zoo(source), "--seed", 7, "--html", file)

    assert "seed 3" in file.read_text()
    assert "seed 7" in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["zoo_nowhere"], "there is no module, package or file 'zoo_nowhere'"),
        (["json"], "no case in json: a case is a gradcheck.Case at module level"),
        (["FILE", "-k", "nothing"], "no case in FILE matches -k 'nothing'"),
        (["FILE", "-k", "a or"], "is not words joined by"),
        (["FILE", "--json", "/nowhere/at/all.json"], "there is no folder /nowhere/at to write all.json into"),
        (["FILE", "--json", "/"], "/ is a folder: name a file in it"),
    ],
)
def test_exit_status_2_for_misuse(arguments, words, zoo, capsys):
    file = zoo(GOOD)
    with pytest.raises(SystemExit) as exit:
        run(*(file if word == "FILE" else word for word in arguments))

    assert exit.value.code == 2
    assert words in capsys.readouterr().err.replace(file, "FILE")


def test_no_command_is_misuse(capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main([])

    assert exit.value.code == 2


def test_a_page_gives_no_seed_to_replay_what_was_no_check(zoo, tmp_path):
    file = tmp_path / "out.html"
    run(zoo(BAD), "--html", file)

    page = file.read_text()
    assert "the check raised" in page
    assert "seed=None" not in page
    assert page.count("seed=0") == 1  # of the one that failed

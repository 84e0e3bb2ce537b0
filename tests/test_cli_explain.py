"""``gradcheck explain``: every word has a meaning whose example is true, and a line the reports that speak of it."""

import numpy as np
import pytest

from gradcheck import check_grad, cli
from gradcheck.commands.given import SHAPES, pairs
from gradcheck.commands.meanings import MISTAKES, UNSEEN
from gradcheck.dimensions.drawing import lengths_of, point_of
from gradcheck.dimensions.shape import shape_of
from gradcheck.findings import KINDS, Blind

ZOO = """import numpy as np
from gradcheck import Case

X = np.array([0.3, -1.2, 2.0])

def square(x):
    return np.sum(x**2)

def right(x):
    return 2 * x

def wrong(x):
    return 3 * x

def leaky(x):
    return np.sum(np.where(x > -5, x**2, 7 * x))

def leaky_gradient(x):
    return np.where(x > -5, 2 * x, 7.5)

"""

CASES = """
def cases():
    return [
        Case("right", square, right, (X,)),
        Case("wrong", square, wrong, (X,), expect=EXPECT),
        Case("leaky", leaky, leaky_gradient, (X,)),
    ]
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "explained.py").write_text(ZOO + CASES.replace("EXPECT", '"pass"'))
    return tmp_path


def run(*arguments):
    return cli.main(["explain", *arguments])


def words_of(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_every_word_has_a_meaning():
    assert MISTAKES.keys() == {*KINDS}
    assert UNSEEN.keys() == {*Blind}


@pytest.mark.parametrize("kind", [kind for kind, meaning in MISTAKES.items() if meaning.example])
def test_every_example_is_diagnosed_so_and_what_is_called_right_is(kind):
    example = MISTAKES[kind].example
    shapes = {name: shape_of(name, text) for name, text in pairs("--shapes", example.shapes, SHAPES).items()}
    generator = np.random.default_rng(0)
    point = point_of(shapes, lengths_of(shapes, {}, generator), generator)

    def checked(claim):
        f, grad = (eval(f"lambda {', '.join(shapes)}: {text}", {"np": np}) for text in (example.f, claim))
        argnums = (0, 1) if kind == "swapped_leaves" else 0
        return check_grad(f, grad, *point.values(), argnums=argnums, raise_on_failure=False)

    assert checked(example.right).ok
    assert checked(example.wrong).diagnoses[0].kind == kind


def test_a_word_with_its_example_and_what_to_do(capsys):
    assert run("missing_term") == 0

    told = words_of(capsys)
    assert told.startswith("missing term: The gradient is that of the function without one of its terms")
    assert "wrong: 2 / len(y) * X.T @ (X @ w - y) right: " in told
    assert "What to do: " in told


@pytest.mark.parametrize("subject", ["missing term", "Missing-Term", "missing_term"])
def test_a_word_as_reports_or_people_write_it(subject, capsys):
    assert run(subject) == 0
    assert words_of(capsys).startswith("missing term: ")


def test_without_a_word_all_of_them(capsys):
    assert run() == 0

    told = capsys.readouterr().out
    for word in (*KINDS, *Blind):
        assert f"\n  {word} " in told


def test_all_of_them_fit_a_narrow_screen(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    run()

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def line_of(text):
    return ZOO.splitlines().index(text) + 1


def test_a_line_that_is_to_blame(capsys):
    assert run(f"explained.py:{line_of('    return 3 * x')}") == 1

    told = words_of(capsys)
    assert told.startswith("wrong fail: the gradient is wrong in x")
    assert "+ return 2 * x" in told
    assert "leaky" not in told


def test_a_line_that_is_wrong_on_purpose(here, capsys):
    (here / "on_purpose.py").write_text(ZOO + CASES.replace("EXPECT", '"fail"'))

    assert run(f"on_purpose.py:{line_of('    return 3 * x')}:12:") == 0
    assert "+ return 2 * x" in capsys.readouterr().out


def test_a_line_of_another_file_than_the_cases(here, capsys):
    (here / "derived.py").write_text(ZOO)
    (here / "its_cases.py").write_text("from derived import *\n" + CASES.replace("EXPECT", '"pass"'))

    assert run(f"derived.py:{line_of('    return 3 * x')}", "its_cases.py") == 1
    assert "+ return 2 * x" in capsys.readouterr().out


def test_a_line_with_a_branch_that_a_pass_did_not_see(capsys):
    assert run(f"explained.py:{line_of('    return np.where(x > -5, 2 * x, 7.5)')}") == 0
    assert words_of(capsys).startswith("leaky pass: ")


def test_a_line_that_nothing_speaks_of(capsys):
    assert run(f"explained.py:{line_of('    return 2 * x')}") == 0
    assert words_of(capsys) == (
        "Of the 3 checks none has anything to say of explained.py:10; 1 did not end as expected, for other reasons."
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scalle"], "'scalle' is neither a word of a report nor FILE:LINE; did you mean scale?"),
        (["cheese"], "gradcheck explain without a word lists them"),
        (["nowhere.py:3"], "there is no file nowhere.py"),
        (["explained.py:999"], "explained.py has "),
        (["explained.py:0"], "and no line 0"),
        (["derived.py:7"], "no case in derived.py: a case is a gradcheck.Case"),
    ],
)
def test_what_cannot_be_explained_is_2(arguments, words, here, capsys):
    (here / "derived.py").write_text(ZOO)
    with pytest.raises(SystemExit) as ended:
        run(*arguments)

    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("word", sorted({*UNSEEN} & {*MISTAKES}))
def test_a_word_of_two_meanings_has_both(word, capsys):
    assert cli.main(["explain", word]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for meaning in (UNSEEN[word], MISTAKES[word]):
        assert meaning.what in said

"""What str(report) says."""

from dataclasses import replace

import numpy as np
import pytest

import gradcheck
from gradcheck.findings import Blame, Blamed, Diagnosis, Entry
from gradcheck.report.views.source import changed, columns, in_one_line
from gradcheck.report.views.text import gist, headline, render, worst_first
from tests.golden_file import same_as_golden
from tests.sample_reports import BATCH, FAIL, PASS, SAMPLES, report, right, wrong


@pytest.mark.parametrize("name", SAMPLES)
def test_text_is_the_one_on_file(name):
    assert same_as_golden(name, str(SAMPLES[name]))


def test_headline_is_the_first_line():
    assert str(BATCH).splitlines()[0] == headline(BATCH)


@pytest.mark.parametrize("name", SAMPLES)
def test_headline_starts_with_the_verdict(name):
    assert headline(SAMPLES[name]).startswith(f"{SAMPLES[name].verdict.value}: ")


def test_leaves_are_listed_worst_first():
    leaves = [right("a", (), 1e-12), right("b", (), 1e-9), wrong("c", (), 0.1, []), wrong("d", (), 2.0, [])]

    assert [leaf.path for leaf in worst_first(leaves)] == ["d", "c", "b", "a"]


def test_an_error_that_is_not_a_number_is_the_worst():
    leaves = [wrong("a", (), 10.0, []), wrong("b", (), float("nan"), [])]

    assert [leaf.path for leaf in worst_first(leaves)] == ["b", "a"]


def test_untested_leaves_are_listed_before_tested_ones():
    leaves = [right("a", (), 1e-3), right("b", (), None)]

    assert [leaf.path for leaf in worst_first(leaves)] == ["b", "a"]


def test_every_pass_shows_the_resolution_of_every_tested_leaf():
    text = str(report(PASS, [right("a", (), 1.5e-11), right("b", (), 2.5e-12), right("c", (), None)]))

    rows = [line.split() for line in text.splitlines() if "  pass  " in line]
    assert [(row[0], row[-1]) for row in rows] == [("c", "none"), ("a", "1.5e-11"), ("b", "2.5e-12")]
    assert "every tested leaf of the gradient is right to 1.5e-11 or better, 1 not tested" in headline_of(
        text
    )


def test_a_leaf_that_was_hardly_tested_is_not_hidden_behind_the_others():
    alone = headline(report(PASS, [right("a", (), 0.94)]))
    among = headline(report(PASS, [right("a", (), 0.94), right("b", (), 1.5e-11)]))

    assert "the gradient is right to 0.94 or better" in alone
    assert "the gradient is right to 1.5e-11 or better, but for a, hardly tested here (0.94)" in among


def test_what_would_most_likely_be_missed_is_not_given_a_probability():
    sharp, dull = (replace(PASS_OF_ONE, miss_probability=p) for p in (1e-3, 1.0))

    assert "with a probability of at most\n0.001." in str(sharp)
    assert "may well go unnoticed" in str(dull)


PASS_OF_ONE = report(PASS, [right("a", (), 0.94)])


def headline_of(text):
    return text.splitlines()[0]


def test_only_guesses_are_cut_short():
    guesses = [Diagnosis("scale", "a", f"guess {i}.", certainty="possible") for i in range(5)]
    certain = [Diagnosis("sign", "a", f"fact {i}.") for i in range(5)]

    unsure, sure = str(report(FAIL, [], guesses)), str(report(FAIL, [], certain + guesses))

    assert unsure.count("guess ") == 2
    assert "and 3 less likely guesses (see report.diagnoses)" in unsure
    assert (sure.count("fact "), sure.count("guess ")) == (5, 0)


def test_a_hundred_wrong_leaves_do_not_flood_the_screen():
    leaves = [wrong(f"w[{i}]", (3,), 1.0 + i, [Entry((0,), 2.0, 1.0, 1e-12)]) for i in range(100)]

    text = str(report(FAIL, leaves))

    assert "w[99]" in text
    assert "and 88 more" in text
    assert len(text.splitlines()) < 50


def test_the_likeliest_mistake_of_every_leaf_is_shown():
    guesses = [Diagnosis("scale", leaf, f"{leaf} guess.", certainty="possible") for leaf in "aaabbc"]

    text = str(report(FAIL, [], guesses))

    assert [text.count(f"{leaf} guess.") for leaf in "abc"] == [2, 1, 1]


def test_entries_of_weighted_outputs_are_said_to_be():
    leaf = wrong("x", (2,), 1.0, [Entry((0,), 2.0, 1.0, 1e-12)])
    dense = wrong("J", (2,), 1.0, [Entry((3, 0), 2.0, 1.0, 1e-12)])
    told = str(report(FAIL, [leaf, dense], check="jacobian", weighted="the output weighted by -2"))

    assert "x, worst entries first\n" in str(report(FAIL, [leaf]))
    assert "x, worst entries first (the output weighted by -2)\n" in told
    assert "J, worst entries first\n" in told


class Loss:
    """A layer that returns one number, and takes no cotangent."""

    def __init__(self, seed):
        self.W = np.random.default_rng(seed).standard_normal((3, 2))

    def forward(self, X):
        self.X = X
        return np.sum((X @ self.W) ** 3)

    def backward(self):
        self.dW = self.X.T @ (2 * (self.X @ self.W) ** 2)
        return 2 * (self.X @ self.W) ** 2 @ self.W.T


@pytest.mark.gradcheck(budget=0)  # the mistake is not looked for: other tests are of that
@pytest.mark.parametrize(("seed", "rows"), [(0, 4), (1, 1)])
def test_only_outputs_that_are_weighted_are_said_to_be(seed, rows):
    def cube(X):
        return np.sum(X**3)

    def entries(report):
        return report.to_dict()["weighted"], report.leaves[0].entries[0], str(report)

    X = np.random.default_rng(seed).standard_normal((rows, 3))
    options = {"raise_on_failure": False, "seed": seed}
    alone, (_, one, dense), loss, rowwise = (
        entries(gradcheck.check_vjp(cube, lambda u, X: 2 * u * X**2, X, **options)),
        entries(gradcheck.check_jacobian(cube, lambda X: 2 * X**2, X, **options)),
        entries(gradcheck.check_layer(Loss(seed), X, **options)),
        entries(gradcheck.check_vjp(lambda X: X**3, lambda u, X: 2 * u * X**2, X, **options)),
    )

    assert alone[0] == "the output weighted by -2"
    assert alone[1].truth == pytest.approx(-2 * 3 * X[alone[1].index] ** 2)
    assert one.truth == pytest.approx(3 * X[one.index] ** 2) and "weighted" not in dense
    layer = Loss(seed)
    layer.forward(X)
    layer.backward()
    assert loss[1].claimed == pytest.approx(layer.dW[loss[1].index]) and "weighted" not in loss[2]
    assert rowwise[0] == f"the outputs weighted at random, by seed {seed}" and rowwise[0] in rowwise[2]


def test_no_line_but_the_headline_and_tables_is_longer_than_a_hundred():
    assert max(len(line) for line in str(BATCH).splitlines()[1:]) <= 100


def test_sides_are_labelled_yours_and_truth():
    header = next(line for line in str(BATCH).splitlines() if "yours" in line)

    assert header.split()[:3] == ["index", "yours", "truth"]


def test_words_for_people_have_no_underscores_and_sentences_end():
    found = report(
        FAIL,
        [wrong("x", (3,), 1.0, [])],
        [Diagnosis("mutates_input", "x", "f writes into x"), Diagnosis("single_entry", "x", "Is it that?")],
    )

    assert "  - mutates input: f writes into x.\n  - single entry: Is it that?" in str(found)


def test_beside_a_proved_edit_no_second_guess_is_told():
    guesses = [
        Diagnosis("scale", "x", "a", certainty="likely"),
        Diagnosis("zero", "x", "b", certainty="possible"),
        Diagnosis("sign", "y", "c", certainty="possible"),
    ]
    found = report(FAIL, [wrong("x", (3,), 1.0, []), wrong("y", (3,), 1.0, [])], guesses)

    assert [line[4:8] for line in str(found).splitlines() if line.startswith("  - ")] == [
        "scal",
        "zero",
        "sign",
    ]
    mended = render(found, Blamed(patch="--- a\n+++ b\n"))
    assert [line[4:8] for line in mended.splitlines() if line.startswith("  - ")] == ["scal", "sign"]


def test_entries_that_are_right_are_not_among_the_worst():
    entries = [Entry((1,), 2.0, 1.0, 1e-12), Entry((0,), 1.0, 1.0, 1e-12)]

    table = str(report(FAIL, [wrong("x", (3,), 1.0, entries)])).partition("worst entries first\n")[2]
    assert [line.split()[0] for line in table.splitlines()[:3] if line] == ["index", "[1]"]


def test_a_statement_more_is_shown_as_one_line_that_comes():
    lines = ("    d = p.copy()", "    d[rows, y] -= 1", "    return X.T @ d")
    edit = "d[rows, y] -= 1\n    d = d / len(X)"
    blame = Blame(
        "net.py", 2, 2, 4, 19, lines[1].strip(), "", edit, ("W",), True, "g", tuple(enumerate(lines, 1))
    )

    assert changed(blame) == ["    d[rows, y] -= 1", "  + d = d / len(X)"]


@pytest.mark.parametrize(
    ("expression", "message", "told"),
    [
        ("h", "With h ** 2 in its place, W is right", "`h`: With h ** 2 in its place, W is right"),
        ("Y", "Y is np.tanh(z) of f. With Y ** 2, W is right", "Y is np.tanh(z) of f. With Y ** 2, W is right"),
        ("h", "hidden is z of f. With h, W is right", "`h`: hidden is z of f. With h, W is right"),
        ("np.sum(\n    x,\n)", "With x in its place, x is right", "`np.sum( x, )`: With x in its place, x is right"),
        ("f(a," * 40 + "b", "With b in its place, b is right", f"`{'f(a,' * 14} ...`: With b in its place, b is right"),
        ("a + " * 40 + "b", "With b in its place, b is right", f"`{'a + ' * 14}...`: With b in its place, b is right"),
    ],
)  # fmt: skip
def test_in_one_line_the_expression_is_named(expression, message, told):
    blame = Blame("net.py", 2, 2, 4, 5, expression, message, "b", ("b",), True, "g", ((2, expression),))

    assert in_one_line(blame) == told


def test_a_message_of_several_lines_is_one_as_well():
    expression = "np.sum(\n    x,\n)"
    blame = Blame(
        "net.py",
        2,
        4,
        4,
        1,
        expression,
        f"{expression} is x of f",
        "x",
        ("x",),
        True,
        "g",
        ((2, expression),),
    )

    assert in_one_line(blame) == "np.sum( x, ) is x of f"


def test_columns_are_counted_in_letters_as_editors_do():
    line = "    größe, ü = 1, 2; return β * x"
    start, end = line.encode().index("β".encode()), len(line.encode())
    blame = Blame("net.py", 3, 3, start, end, "β * x", "", None, (), False, "g", ((3, line),))

    assert columns(blame) == (line.index("β") + 1, len(line) + 1)


def test_the_gist_of_a_failure_says_what_is_wrong():
    said = gist(BATCH)

    assert said.startswith(
        "fail: the gradient is wrong in 2 of 3 leaves: W1, W2; scale: W1 and W2 are 4 times the"
    )
    assert "evaluations" not in said
    assert gist(SAMPLES["pass"]) == headline(SAMPLES["pass"])


def test_the_gist_of_right_values_is_told_once_and_in_one_line():
    told = report(FAIL, [right("x", (3,), 1e-9)], [Diagnosis("mutates_input", "x", "grad writes\ninto x.")])

    assert gist(told) == "fail: mutates input: grad writes into x."

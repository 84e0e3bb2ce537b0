"""Reports as HTML: whole, well-formed, escaped, with nothing fetched from elsewhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import cycle

import numpy as np
import pytest

from gradcheck.findings import Blame, Blamed, Blind, Diagnosis, Entry, Steps, Unseen, Verdict
from gradcheck.report.error_map import error_map
from gradcheck.report.views import html
from gradcheck.report.views.curve import curve
from gradcheck.report.views.heat import heat
from gradcheck.report.views.plain import plain
from tests.sample_reports import BATCH, SAMPLES, report, right, wrong

VOID = {"meta", "br", "hr", "link", "img", "input"}


class Reader(HTMLParser):
    """Collects the text, and insists that every element is closed by its own end tag."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.words.append(data)


def read(source):
    reader = Reader()
    reader.feed(source)
    assert reader.open == []
    return reader, " ".join(" ".join(reader.words).split())


@pytest.mark.parametrize("name", SAMPLES)
def test_page_says_what_the_text_says(name):
    _, words = read(SAMPLES[name].to_html())

    assert SAMPLES[name].to_dict()["summary"] in words
    for diagnosis in SAMPLES[name].diagnoses:
        assert diagnosis.message in words
    for reason in SAMPLES[name].reasons:
        assert reason in words


def test_page_stands_alone():
    reader, _ = read(BATCH.to_html())

    assert BATCH.to_html().startswith("<!doctype html>")
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert not [
        value for name, value in reader.attributes if name in ("src", "href") and not value.startswith("#")
    ]
    assert "prefers-color-scheme: dark" in BATCH.to_html()


def test_a_notebook_shows_the_finding_and_folds_its_figures_away():
    folded = re.search(r"<details><summary>(.*?)</summary>(.*?)</details>", MAPPED._repr_html_(), re.DOTALL)

    assert folded[1] == "entries and differences"
    assert "worst entries first" in folded[2]
    assert "<svg" in folded[2]
    assert MAPPED._repr_html_().count("<svg") == folded[2].count("<svg")
    assert "entries and differences" not in MAPPED.to_html()
    assert "<details" not in report(Verdict.PASS, [right("x", (), 1e-9)])._repr_html_()


def test_page_shows_truth_beside_claim():
    _, words = read(BATCH.to_html())

    assert "index yours truth" in words
    assert "[0, 1] 1.2346 0.30864" in words


def test_names_are_escaped():
    source = report(Verdict.PASS, [right("params['<b>&']", (), 1e-9)]).to_html()

    assert "<b>" not in source
    assert "params[&#39;&lt;b&gt;&amp;&#39;]" in source


def test_notebook_view_is_a_fragment_with_its_style():
    source = BATCH._repr_html_()
    reader, words = read(source)

    assert not {"html", "body", "head"} & set(reader.tags)
    assert reader.tags[0] == "style"
    assert "W1 and W2 are 4 times the truth" in words


def test_page_of_many_checks_has_each_once_with_its_row_and_its_report():
    checks = [sample.to_dict() | {"name": name} for name, sample in SAMPLES.items()]
    reader, words = read(html.page(checks, "all", "eleven checks"))

    assert reader.tags.count("details") == len(SAMPLES)
    assert (
        len(
            {value for name, value in reader.attributes if name == "id"}
            & {f"check-{i + 1}" for i in range(11)}
        )
        == 11
    )
    assert all(words.count(name) == 1 for name in ("pass_at_kink", "fail_shape", "inconclusive 8"))
    assert all(sample.to_dict()["summary"] in words for sample in SAMPLES.values())
    assert "eleven checks" in words


MAPPED = report(
    Verdict.FAIL,
    [
        replace(
            wrong("W", (30, 49), 3.0, [Entry((29, 48), 4.0, 1.0, 1e-12), Entry((0, 4), 2.0, 1.0, 1e-12)]),
            errors=error_map(
                np.where(np.arange(1470) % 2, np.where(np.arange(1470) > 735, 3.0, 1e-3), 0.0),
                np.ones(1470, dtype=bool),
                np.ones(1470, dtype=bool),
                (30, 49),
            ),
        ),
        right(
            "params['encoder']['a_long_name_of_a_kernel']['and_of_what_it_is_made_of'][7]", (49, 3, 3), 1e-9
        ),
        right("b", (49,), None, note="not tested: f's own rounding hides what it contributes at this point"),
    ],
    steps=Steps(((1e-6, 1.0001), (1e-4, 1.0000001), (1e-2, 1.01)), 1e-4, 1.0, 1e-5, 1.0, 4.0, 1e-11),
)


def test_heat_map_labels_rows_and_columns_and_links_the_worst_to_the_table():
    drawn = heat(MAPPED.to_dict()["leaves"][0])
    reader, words = read(MAPPED.to_html())
    links = [value[1:] for name, value in reader.attributes if name == "href"]
    ids = [value for name, value in reader.attributes if name == "id"]

    assert [tick.index for tick in drawn.rows][:3] == [0, 2, 4]
    assert [tick.index for tick in drawn.columns][:3] == [0, 9, 18]
    assert {(spot.row, spot.column) for spot in drawn.spots} == {(14, 16), (0, 1)}
    assert links == ["check-1-1-0", "check-1-1-1"]
    assert set(links) <= set(ids)
    assert "each cell is the worst of 2 by 3 entries" in words


def test_heat_map_paints_every_cell_once():
    drawn = heat(MAPPED.to_dict()["leaves"][0])
    runs = [run for _, path in drawn.levels for run in re.findall(r"M(\d+) (\d+)\.5h(\d+)", path)]
    painted = [(int(row), int(column) + i) for column, row, length in runs for i in range(int(length))]

    assert sorted(painted) == [(row, column) for row in range(15) for column in range(17)]


@pytest.mark.parametrize(
    ("error", "level"),
    [(None, -1), (0.0, 0), (1e-9, 1), (1e-6, 2), (0.05, 4), (0.1, 5), (9.0, 6), (np.inf, 7)],
)
def test_heat_map_colours_errors_by_decades(error, level):
    leaf = MAPPED.to_dict()["leaves"][0] | {"entries": []}
    leaf["errors"] = {"shape": (1, 2), "block": (1, 1), "errors": [[error, 0.0]]}

    assert level in [each for each, _ in heat(leaf).levels]


def test_curve_has_the_step_the_noise_the_bound_and_the_claim():
    drawn = curve(MAPPED.to_dict()["steps"])
    points = [tuple(map(int, each)) for each in re.findall(r"M(\d+) (\d+)h0", drawn.points)]
    heights = {name: int(re.search(r" (\d+)H", getattr(drawn, name))[1]) for name in ("bound", "claim")}

    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[1][1] == max(y for _, y in points)  # the foot of the V
    assert drawn.chosen.startswith(f"M{points[1][0]} ")
    assert heights["claim"] < points[2][1] < points[0][1] < heights["bound"] < points[1][1]
    assert len(drawn.across) <= 4 and len(drawn.down) <= 4
    assert "yours is 4" in read(MAPPED.to_html())[1]


def test_curve_of_exact_differences_stays_in_its_frame():
    exact = MAPPED.to_dict()["steps"] | {
        "differences": [(1e-3, 1.0)],
        "noise": 0.0,
        "bound": 0.0,
        "claimed": 1.0,
    }
    drawn = curve(exact)

    assert (drawn.noise, drawn.bound, drawn.claim) == ("", "", "")
    assert re.fullmatch(r"M\d+ 160h0", drawn.points)


def test_resolution_is_a_bar_of_its_digits_beside_what_was_asked_for():
    source = SAMPLES["pass"].to_html()

    assert 'style="--asked:38%"' in source  # 6 of 16 digits
    assert source.count('class="bar"') == 2
    assert 'style="--seen:60%"' in source and 'style="--seen:66%"' in source


BLAMED = Blame(
    "net.py", 2, 2, 11, 12, "h", "With h ** 2 in its place, W is right", "h ** 2", ("W",), True, "backward",
    ((1, "def backward(h):"), (2, "    return h + 1")),
)  # fmt: skip


def test_page_underlines_the_expression_and_shows_the_edit():
    _, words = read(html.page([MAPPED.to_dict() | {"blame": [plain(BLAMED)]}], "one"))

    assert "<mark>h</mark> + 1" in html.page([MAPPED.to_dict() | {"blame": [plain(BLAMED)]}], "one")
    assert "net.py:2:12 in backward" in words
    assert "- return h + 1 + return h ** 2 + 1" in words


@pytest.mark.parametrize(("leaves", "told"), [(["W"], False), (["W", "b"], True)])
def test_beside_a_proved_edit_no_second_guess_is_told(leaves, told):
    guess = Diagnosis("rows", "W", "rows 0 and 1 are wrong.", {"leaves": leaves}, "possible")
    failed = replace(MAPPED, diagnoses=(guess,)).to_dict()
    mended = failed | {"blame": [plain(BLAMED)]}

    assert ("rows 0 and 1 are wrong" in html.page([mended], "one")) == told
    assert ("What is wrong" in html.page([mended], "one")) == told
    assert "rows 0 and 1 are wrong" in html.page([failed], "one")


def test_page_says_what_a_pass_did_not_see():
    unseen = (
        Unseen(Blind.AXIS, "X", "X has one row", seen_to=True),
        Unseen(Blind.BRANCH, "f", "line 3: never ran", "net.py", 3),
    )
    passed = replace(SAMPLES["pass"], unseen=unseen).to_dict() | {"name": "a"}
    _, words = read(html.page([passed, passed | {"name": "b"}], "two"))

    assert "line 3: never ran net.py X has one row at this point; a point off it passed, too" in words
    assert "Not seen, by what is special about a point: branch 2." in words


def test_notebook_view_links_nowhere():
    reader, _ = read(MAPPED._repr_html_())

    assert not [value for name, value in reader.attributes if name in ("href", "id")]
    assert {"svg", "figure"} <= set(reader.tags)


EVERY = (*SAMPLES.items(), ("mapped", MAPPED))


def many(count, samples=EVERY):
    return [
        sample.to_dict() | {"name": f"{name}/{i}", "problem": "the test failed" * (i == 7)}
        for i, (name, sample) in zip(range(count), cycle(samples), strict=False)
    ]


def test_what_did_not_end_as_expected_comes_first_and_open():
    source = html.page(many(24), "all")

    assert source.index("fail_shape/7") < source.index("pass/0")
    assert re.search(r'<details id="check-1" [^>]* data-problem open>', source)


def test_a_thousand_checks_are_at_most_three_megabytes():
    # checks of four leaves each, one in eight of them failing with its maps and its curve
    passed = replace(
        SAMPLES["pass"],
        leaves=tuple(right(f"params['W{i}']", (64, 64), 1e-9) for i in range(4)),
        steps=MAPPED.steps,
        unseen=(Unseen(Blind.BRANCH, "f", "line 3: `if x.ndim > 1` never ran", "net.py", 3),),
    )
    samples = [*[(f"tests/test_layers.py::test_{i}", passed) for i in range(7)], ("mapped", MAPPED)]

    assert len(html.page(many(1000, samples), "all").encode()) < 3_000_000


def colours(style, dark):
    pairs = re.findall(r"--([\w]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    return {name: pair[dark] for name, *pair in pairs}


def contrast(one, other):
    """The contrast of two colours as WCAG 2 defines it."""

    def luminance(colour):
        share = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_ground(dark):
    found = colours(BATCH.to_html(), dark)
    words = ("ink", "faint", "pass", "fail", "inconclusive", "error", "link")

    assert min(contrast(found[word], found[ground]) for word in words for ground in ("paper", "band")) >= 4.5


def test_what_a_search_in_vain_tells_is_on_the_page_and_in_the_data():
    found = replace(BATCH)
    object.__setattr__(found, "blamed", Blamed(remark="No edit makes it right; 318 were tried"))

    assert found.to_dict()["search"] == "No edit makes it right; 318 were tried"
    for view in (found.to_html(), found._repr_html_(), str(found)):
        assert "No edit makes it right; 318 were tried." in view

"""Pages of reports in a real browser: they open, filter, sort, obey the keyboard, fit a phone, and never complain."""

import re
from dataclasses import replace

import pytest

from gradcheck.findings import Blind, Unseen
from gradcheck.report.views import html
from tests.chromium import CHROMIUM, browser
from tests.sample_reports import SAMPLES
from tests.test_report_html import MAPPED, contrast, many

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

ROWS = "[...document.querySelectorAll('#checks > details')]"
SHOWN = f"{ROWS}.filter(row => row.checkVisibility())"
NAMES = f"{SHOWN}.map(row => row.querySelector('h2').textContent)"
FOCUSED = "document.activeElement.querySelector('h2')?.textContent ?? document.activeElement.id"
WIDER = """
[...document.querySelectorAll('main *')].filter(
  (it) => it.checkVisibility() && it.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map((it) => it.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def list_page(tmp_path_factory):
    file = tmp_path_factory.mktemp("pages") / "list.html"
    file.write_text(html.page(many(24), "all", "24 checks"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def check_page(tmp_path_factory):
    file = tmp_path_factory.mktemp("pages") / "check.html"
    file.write_text(MAPPED.to_html(), encoding="utf-8")
    return file


@pytest.fixture
def opened(chromium, list_page):
    chromium.open(list_page)
    yield chromium
    assert chromium.complaints == []
    assert chromium.requests == [list_page.as_uri()]


def test_only_failing(opened):
    assert len(opened.run(NAMES)) == 24

    opened.run("document.querySelector('[data-only=fail]').click()")

    assert len(opened.run(NAMES)) == 12
    assert opened.run(f"{SHOWN}.every(row => row.classList.contains('is-fail'))")
    assert opened.run("told.textContent") == "12 of 24 shown"


def test_search_looks_into_what_is_folded(opened):
    for key in ("/", *"batch SIZE"):
        opened.press(key)

    assert opened.run(NAMES) == ["fail_batch_factor/5", "fail_batch_factor/17"]
    opened.press("Escape")
    assert len(opened.run(NAMES)) == 24


def test_nothing_found_is_said(opened):
    opened.run("search.value = 'no such thing'; search.dispatchEvent(new Event('input'))")

    assert opened.run(NAMES) == []
    assert opened.run("none.checkVisibility()")


def test_sort_by_what_needs_a_look_and_back(opened):
    verdicts = f"{SHOWN}.map(row => row.className)"
    opened.run("document.querySelector('button[data-sort=verdict]').click()")
    first = opened.run(verdicts)
    opened.run("document.querySelector('button[data-sort=verdict]').click()")

    assert first == sorted(first, key=["is-fail", "is-inconclusive", "is-pass"].index)
    assert opened.run(verdicts)[0] == "is-pass"
    opened.run("document.querySelector('button[data-sort=name]').click()")
    assert opened.run(NAMES)[:3] == ["fail_batch_factor/5", "fail_batch_factor/17", "fail_mutates/9"]
    assert (
        opened.run("document.querySelector('button[data-sort=name]').parentElement.ariaSort") == "ascending"
    )


def test_keys_step_through_what_is_shown_and_unfold_it(opened):
    for key in "fjjk":
        opened.press(key)
    first = opened.run(f"{NAMES}[0]")

    assert opened.run(FOCUSED) == first
    unfolded = opened.run(f"{SHOWN}[0].open")
    opened.press("Enter")
    assert opened.run(f"{SHOWN}[0].open") is not unfolded


def test_a_link_unfolds_what_is_filtered_away(opened):
    opened.run("document.querySelector('[data-only=pass]').click()")
    target = opened.run(f"{ROWS}.find(row => row.textContent.includes('mapped/11')).id")
    opened.run(f"location.hash = '{target}-1-0'; new Promise(done => setTimeout(done, 50))")

    assert opened.run(f"document.getElementById('{target}-1-0').checkVisibility()")


def test_paper_has_everything_that_is_shown_unfolded(opened):
    opened.run("document.querySelector('[data-only=fail]').click(); dispatchEvent(new Event('beforeprint'))")
    assert opened.run(f"{SHOWN}.every(row => row.open)")

    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.run(f"{ROWS}.filter(row => row.open).length") == 1  # the one that was open before


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_is_cut_off(chromium, list_page, check_page, width, dark):
    for file in (list_page, check_page):
        chromium.open(file, width, dark)
        chromium.run(f"{ROWS}.forEach(row => row.open = true)")

        assert chromium.run(WIDER) == []
        assert chromium.run("document.documentElement.scrollWidth <= innerWidth")
        assert chromium.run(
            "[...document.querySelectorAll('.scroll')].every(it => it.scrollWidth <= it.clientWidth + 1)"
        )
        assert chromium.complaints == []


def test_the_worst_cell_leads_to_its_row(chromium, check_page):
    chromium.open(check_page)
    chromium.run("document.querySelector('.heat a').dispatchEvent(new MouseEvent('click', {bubbles: true}))")

    assert chromium.run("document.querySelector(':target').textContent.startsWith('[29, 48]')")


def test_what_is_folded_is_text_until_it_is_unfolded(opened):
    folded = f"{ROWS}.filter(row => row.querySelector('noscript')).length"
    assert opened.run(folded) == 23  # the one that was not as expected is open

    opened.run(f"{ROWS}.forEach(row => row.open = true); new Promise(done => setTimeout(done, 50))")
    assert opened.run(folded) == 0
    assert opened.run(f"{ROWS}.every(row => row.querySelector('table, ul, p'))")


@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize(
    ("word", "found"), [("<td>", 0), ("class=", 0), ("tspan", 0), ("&lt;", 0), ("x.ndim > 1", 1)]
)
def test_a_search_finds_words_and_no_markup(chromium, tmp_path, word, found, unfolded):
    seen = SAMPLES["pass"]
    special = replace(
        seen, unseen=(Unseen(Blind.BRANCH, "f", "line 3: `if x.ndim > 1` never ran", "net.py", 3),)
    )
    file = tmp_path / "list.html"
    file.write_text(
        html.page(many(6, [("plain", seen), ("mapped", MAPPED)]) + many(1, [("ndim", special)]), "all")
    )
    chromium.open(file)
    if unfolded:
        chromium.run(f"{ROWS}.forEach(row => row.open = true); new Promise(done => setTimeout(done, 50))")
    chromium.run(f"search.value = {word!r}; search.dispatchEvent(new Event('input'))")

    assert len(chromium.run(NAMES)) == found


def test_without_scripts_everything_can_be_unfolded(chromium, list_page):
    chromium.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(list_page)
    finally:
        chromium.ask("Emulation.setScriptExecutionDisabled", value=False)

    assert chromium.run("document.querySelectorAll('noscript p').length") > 24


COLOURS = """
[...document.querySelectorAll('.gradcheck p, .gradcheck td, .gradcheck code, .gradcheck li, .gradcheck th')].map(
  it => [it, document.querySelector('.gradcheck section')].map(it => getComputedStyle(it))
).map(([words, ground]) => [words.color, ground.backgroundColor])
"""
STRIPES = "[...document.querySelectorAll('.gradcheck tr')].map(it => getComputedStyle(it).backgroundColor)"
NOTEBOOK = "<style>.jp tbody tr:nth-child(odd) { background: #fff } .jp td { color: inherit }</style>"


def brightness(colour):
    return sum(map(int, colour[colour.index("(") + 1 : -1].split(",")[:3])) / 765


@pytest.mark.parametrize("system", [False, True], ids=["light system", "dark system"])
@pytest.mark.parametrize(
    ("around", "dark"),
    [
        ("data-jp-theme-light=false", True), ("data-jp-theme-light=true", False), ("class=vscode-dark", True),
        ("class=vscode-light", False), ("data-theme=dark", True), ("data-theme=light", False), ("", None),
    ],
)  # fmt: skip
def test_in_a_notebook_it_is_as_light_or_dark_as_what_is_around_it(chromium, tmp_path, around, dark, system):
    file = tmp_path / "notebook.html"
    page = f"<!doctype html><meta charset=utf-8>{NOTEBOOK}<body {around}><div class=jp>{MAPPED._repr_html_()}</div>"
    file.write_text(page, encoding="utf-8")
    chromium.open(file, dark=system)
    expected = system if dark is None else dark

    for ink, paper in chromium.run(COLOURS):
        assert (brightness(paper) < 0.3) == expected
        assert abs(brightness(ink) - brightness(paper)) > 0.35
    assert {*chromium.run(STRIPES)} == {"rgba(0, 0, 0, 0)"}
    assert chromium.complaints == []


FRAMED = """
[1, 2, 3, 4, 5, 6, 7].map((level) => {
  const heat = document.querySelector('.heat svg');
  heat.innerHTML = `<path class="h${level}"/><rect class="h${level}"/>`;
  return [...heat.children].map((it) => getComputedStyle(it).stroke);
})
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_frame_of_a_cell_stands_out_from_its_colour(chromium, check_page, dark):
    chromium.open(check_page, dark=dark)
    found = [
        ["#{:02x}{:02x}{:02x}".format(*map(int, re.findall(r"\d+", colour)[:3])) for colour in pair]
        for pair in chromium.run(FRAMED)
    ]

    assert min(contrast(cell, frame) for cell, frame in found) >= 3.0

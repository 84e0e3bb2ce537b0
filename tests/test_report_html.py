"""Reports as HTML: whole, well-formed, escaped, with nothing fetched from elsewhere."""

from html.parser import HTMLParser

import pytest

from gradcheck.findings import Verdict
from gradcheck.report.views import html
from tests.sample_reports import BATCH, SAMPLES, report, right

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
        if self.open[-1:] != ["style"]:
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


def test_page_shows_truth_beside_claim():
    _, words = read(BATCH.to_html())

    assert "index yours truth" in words
    assert "[0, 1] 1.234568 0.3086419" in words


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


def test_page_of_many_checks_links_each_row_to_its_report():
    checks = [sample.to_dict() | {"name": name} for name, sample in SAMPLES.items()]
    reader, words = read(html.page(checks, "all", "eleven checks"))

    targets = [value[1:] for name, value in reader.attributes if name == "href"]
    ids = [value for name, value in reader.attributes if name == "id"]
    assert targets == ids
    assert len(ids) == len(SAMPLES)
    assert all(name in words for name in SAMPLES)
    assert "eleven checks" in words

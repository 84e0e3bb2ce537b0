"""README.md: its commands are single lines, and what it shows is what the library prints."""

import importlib.util
import re
from pathlib import Path

from gradcheck.explain.blame import blamed

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def shape_of(text):
    """The words of a document without figures, units of time, and spacing, which differ from run to run."""
    return re.sub(r"\s+", " ", re.sub(r"[-+]?\d[\d.,]*(e[-+]?\d+)?( m?s\b)?", "#", text))


def test_the_first_two_shell_blocks_are_one_command_line_each():
    verify, tests = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)[:2]

    assert [verify.count("\n"), tests.count("\n")] == [1, 1]
    assert verify.strip().endswith("gradcheck verify")
    assert "pytest" in tests


def test_every_output_shown_is_what_the_code_above_it_prints(monkeypatch):
    monkeypatch.setattr(blamed, "SECONDS", 60.0)  # what is found must not hang on how fast the machine is
    spec = importlib.util.spec_from_file_location("readme", ROOT / "tools" / "readme.py")
    readme = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme)

    assert shape_of(readme.refreshed(TEXT, run_commands=False)) == shape_of(TEXT)


def test_no_output_is_left_out():
    assert "```text\n```" not in TEXT

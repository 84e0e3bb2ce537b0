"""Compare a text with the one on file; GRADCHECK_WRITE_GOLDEN=1 in the environment files what comes now."""

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def masked(text: str) -> str:
    """``text`` without what differs between runs and machines: cost, tiny figures, widths of columns, folders."""
    text = re.sub(r"\b\d+ evaluations? of f, \d+(\.\d+)? (ms|s)\b", "(cost)", text)
    text = re.sub(r"\b\d(\.\d+)?e[-+]?\d+\b", "(tiny)", text)
    text = re.sub(r"(?m)^\S*/(\w+\.py:\d+:\d+  in )", r"\1", text)
    return re.sub(r"(?<=\S) {2,}", "  ", text)


def same_as_golden(name: str, text: str) -> bool:
    """Whether ``text`` is what is on file; pytest shows the difference when this is asserted."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("GRADCHECK_WRITE_GOLDEN"):
        file.write_text(text + "\n")
    assert text + "\n" == file.read_text()
    return True

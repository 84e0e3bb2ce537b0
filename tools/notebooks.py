"""The notebooks of docs/notebooks: run from the first cell to the last, and as pages of the site.

``python tools/notebooks.py`` runs each in a kernel of its own and stores what its cells show; ``python
tools/notebooks.py column_major`` one of them. It needs the extra docs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))

Cell = Mapping[str, Any]


def markdown_of(notebook: str) -> str:
    """A notebook's cells, with what they show, as a page in Markdown."""
    return "\n\n".join(part for cell in json.loads(notebook)["cells"] for part in _parts(cell)) + "\n"


def _parts(cell: Cell) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        shown = output.get("data", {})
        if "text/html" in shown:
            yield _raw("".join(shown["text/html"]))
        elif "image/png" in shown:
            picture = "".join(shown["image/png"]).replace("\n", "")
            yield _raw(f'<img alt="what the cell above draws" src="data:image/png;base64,{picture}">')
        else:
            yield f"```text\n{''.join(shown.get('text/plain', output.get('text', ''))).rstrip()}\n```"


def _raw(html: str) -> str:
    return f"````{{raw}} html\n{html}\n````"


def run(file: Path) -> None:
    """Run the cells and store what they show; nothing is stored of when and where they ran."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        cell.metadata = {}
    beside = {"metadata": {"path": file.parent}}  # where a cell draws what a page of it shows
    NotebookClient(notebook, timeout=300, record_timing=False, resources=beside).execute()
    for shown in (output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())):
        if len(shown) > 1:  # beside the page or the picture its repr is no more than bytes
            shown.pop("text/plain", None)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    chosen = sys.argv[1:]
    for file in NOTEBOOKS:
        if not chosen or file.stem in chosen:
            run(file)

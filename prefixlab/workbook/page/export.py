"""Export: stored lessons as web pages in which the sliders move, though no kernel is there.

    jupyter nbconvert --to html --HTMLExporter.preprocessors=prefixlab.workbook.page.export.live …

Without it the page shows the picture that is stored. A code host shows it too: it takes scripts out
of what it shows.
"""

import json
from typing import Any
from uuid import uuid4

from prefixlab.workbook.page.base import HERE, STORED, module


def live(notebook: Any, resources: Any) -> tuple[Any, Any]:
    """A preprocessor of nbconvert: in place of a widget's picture, the widget."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if stored := output.get("metadata", {}).get(STORED):
                output["data"] = {"text/html": html(**stored)}
    return notebook, resources


def html(script: str, state: dict[str, Any]) -> str:
    """A widget that lives by itself, as a piece of HTML."""
    place = f"prefixlab-{uuid4().hex}"
    style = (HERE / "page.css").read_text(encoding="utf-8")
    known = json.dumps(state).replace("</", "<\\/")  # or it could end the script
    return (
        f'<style>{style}</style><div id="{place}"></div><script type="module">{module(script)}'
        f'render({{ model: still({known}), el: document.getElementById("{place}") }});</script>'
    )

"""Cells: what a cell of a notebook made is closed when the cell is run again."""

from typing import Any

import ipywidgets as widgets
from IPython import get_ipython

# Widgets by the notebook cell that made them, with the number of that cell's run.
made_by: dict[str, tuple[int, list[widgets.Widget]]] = {}


def close_what_this_cell_made_before(widget: widgets.Widget) -> None:
    """Close what an earlier run of this cell made, and remember the widget for the next."""
    shell: Any = get_ipython()
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = request.get("metadata", {}).get("cellId")
    if cell is None:  # no notebook, or a runner that does not tell its cells apart
        return
    now = shell.execution_count
    run, made = made_by.get(cell, (now, []))
    if run != now:
        for old in made:
            old.close()
        made = []
    made_by[cell] = (now, [*made, widget])

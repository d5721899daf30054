"""A cell that is run again closes what it made before, and nothing else."""

from types import SimpleNamespace

import ipywidgets as widgets
import pytest

from prefixlab.workbook import cells


@pytest.fixture
def make(monkeypatch):
    """Make a widget in a cell, in one of the notebook's runs."""
    monkeypatch.setattr(cells, "made_by", {})

    def made(cell, run):
        parent = {"metadata": {"cellId": cell} if cell else {}}
        shell = SimpleNamespace(get_parent=lambda: parent, execution_count=run)
        monkeypatch.setattr(cells, "get_ipython", lambda: shell)
        widget = widgets.HTML()
        cells.close_what_this_cell_made_before(widget)
        return widget

    return made


def is_open(widget):
    return widget.comm is not None


def test_only_what_the_same_cell_made_in_an_earlier_run_is_closed(make):
    first, beside, elsewhere = make("a", 1), make("a", 1), make("b", 2)
    assert is_open(first)
    again = make("a", 3)
    assert not is_open(first)
    assert not is_open(beside)
    assert is_open(elsewhere)
    assert is_open(again)


def test_where_cells_have_no_names_nothing_is_closed(make):
    first = make("", 1)
    make("", 2)
    assert is_open(first)

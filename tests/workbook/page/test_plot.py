"""A figure of the kernel: what it shows is said in words, too."""

from ipywidgets.widgets.widget import _instances

from prefixlab.workbook.page import Plot
from prefixlab.workbook.panels.base import discard


def test_a_plot_says_what_it_shows_and_is_closed_without_a_trace() -> None:
    before = set(_instances)
    plot = Plot("Accuracy by the rate", width="720px")
    plot.value = b"\x89PNG"
    assert repr(plot) == "Plot: Accuracy by the rate"
    assert plot.layout.width == "720px"
    discard(plot)
    assert set(_instances) == before

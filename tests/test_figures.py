"""Figures have labels, and a figure is shown once."""

import matplotlib.pyplot as plt
import pytest
import torch

from prefixlab import figures

INTERVAL = (0.6, (0.5, 0.7))
FIGURES = {
    "anatomy": lambda: figures.anatomy([("P0", "trained"), ("good", "answer")], layers=2),
    "accuracies": lambda: figures.accuracies({"one": INTERVAL, "two": INTERVAL}),
    "losses": lambda: figures.losses({"run": [1.0, 0.5]}),
    "spread": lambda: figures.spread({"one": [0.1, 0.2]}, xlabel="loss"),
    "heatmap": lambda: figures.heatmap(torch.rand(3, 4), xlabel="x", ylabel="y", label="share"),
    "walk": lambda: figures.walk([0, 1], [2, 3], 1, xlabel="t", ylabel="loss"),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_drawn_and_not_left_open(draw) -> None:
    assert figures.png(draw()).startswith(b"\x89PNG")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "anatomy"])
def test_its_axes_are_labelled(name: str) -> None:
    axes = FIGURES[name]().axes[0]
    assert axes.get_xlabel()
    assert axes.get_ylabel() or [label.get_text() for label in axes.get_yticklabels()]


def test_losses_without_runs_have_no_legend() -> None:
    assert figures.losses({}).axes[0].get_legend() is None


def test_the_anatomy_colours_what_is_trained() -> None:
    columns = [("P0", "none"), ("good", "answer")]
    figure = figures.anatomy(columns, layers=2, depth={0: "trained"})
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["trained", "computed by the frozen model", "answer is read here"]

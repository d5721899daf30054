"""Figures have labels, and a figure is shown once."""

import io
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from prefixlab.workbook import figures

INTERVAL = (0.6, (0.5, 0.7))
ROW = figures.Row("one", 0, *INTERVAL)
FIGURES = {
    "anatomy": lambda: figures.anatomy([("P0", "trained"), ("good", "answer")], layers=2),
    "attentions": lambda: figures.three_attentions("a film", "<start>"),
    "batch": lambda: figures.batch(
        {"one": [("a", "text")], "two": [("P", "trained"), ("b", "text")]}
    ),
    "forest": lambda: figures.forest([ROW], cost="bytes", beside=ROW)[0],
    "accuracies": lambda: figures.accuracies({"one": INTERVAL, "two": INTERVAL}),
    "F1": lambda: figures.accuracies({"one": INTERVAL}, measure="F1", chance=None),
    "losses": lambda: figures.losses({"run": [1.0, 0.5]}),
    "spread": lambda: figures.spread({"one": [0.1, 0.2]}, xlabel="loss"),
    "heatmap": lambda: figures.heatmap(torch.eye(3, 4), xlabel="x", ylabel="y", label="share"),
    "walk": lambda: figures.walk([0, 1], [2, 3], 1, xlabel="t", ylabel="loss"),
    "stacked": lambda: figures.stacked({"one": (1, 2)}, parts=("a", "b"), xlabel="MB"),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_drawn_and_not_left_open(draw) -> None:
    assert figures.png(draw()).startswith(b"\x89PNG")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "name", sorted(FIGURES.keys() - {"anatomy", "attentions", "batch", "forest"})
)
def test_its_axes_are_labelled(name: str) -> None:
    axes = FIGURES[name]().axes[0]
    assert axes.get_xlabel()
    assert axes.get_ylabel() or [label.get_text() for label in axes.get_yticklabels()]


def test_rows_of_a_batch_end_together() -> None:
    rows = {"one": [("a", "text")], "two": [("P", "trained"), ("b", "text")]}
    cells = figures.batch(rows).axes[0].patches
    assert [cell.get_xy() for cell in cells] == [(1, 0), (0, 1), (1, 1)]


def test_padding_within_a_row_of_a_batch_has_no_name() -> None:
    figure = figures.batch({"one": [("P", "trained"), ("", "none"), ("b", "text")]})
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["trained", "computed by the frozen model"]


def test_a_line_to_compare_with_has_its_name_above_it() -> None:
    figure = figures.spread({"one": [0.1]}, xlabel="loss", references={"no prefix": 0.4})
    (axis,) = figure.axes
    assert [line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == ":"] == [0.4]
    (above,) = axis.child_axes
    assert [name.get_text() for name in above.get_xticklabels()] == ["no prefix"]


def test_losses_without_runs_have_no_legend() -> None:
    assert figures.losses({}).axes[0].get_legend() is None


def test_the_anatomy_colours_what_is_trained() -> None:
    columns = [("P0", "none"), ("good", "answer")]
    figure = figures.anatomy(columns, layers=2, depth={0: "trained"})
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["trained", "computed by the frozen model", "answer is read here"]


def test_each_kind_of_attention_has_a_place_for_a_prefix() -> None:
    figure = figures.three_attentions("a fine film", "<start>")
    (axis,) = figure.axes
    boxes, places = (
        [patch for patch in axis.patches if patch.get_facecolor()[:3] == to_rgb(colour)]
        for colour in (figures.GREY, figures.ORANGE)
    )
    assert len(boxes) == len(places) == 3
    for box, place in zip(boxes, places, strict=True):
        assert place.get_x() + place.get_width() < box.get_x()
        assert box.get_y() < place.get_y() < box.get_y() + box.get_height()
    said = [text.get_text() for text in axis.texts]
    assert {"x: a fine film", "y so far: <start>"} <= set(said)
    assert said.count("PREFIX") == 3


def pixels(figure) -> np.ndarray:
    return plt.imread(io.BytesIO(figures.png(figure)))[..., :3]


def share(figure, colour: str) -> float:
    """How much of the picture has that colour."""
    return float((np.abs(pixels(figure) - to_rgb(colour)).max(-1) < 0.02).mean())


def test_every_cell_of_the_anatomy_is_drawn_in_its_colour() -> None:
    cells = [["none", "trained"], ["text", "text"], ["text", "answer"]]
    figure = figures.grid(["P0", "x", "y"], cells, height=3)
    trained, text = share(figure, figures.ORANGE), share(figure, figures.GREY)
    assert trained == pytest.approx(share(figure, figures.GREEN), rel=0.05)
    assert text == pytest.approx(3 * trained, rel=0.05)


def test_the_anatomy_stands_on_its_embedding() -> None:
    figure = figures.grid(["P0"], [["text", "trained", "trained"]], height=3)
    colours = pixels(figure)[:, 400]
    grey = np.flatnonzero((np.abs(colours - to_rgb(figures.GREY)) < 0.02).all(-1))
    orange = np.flatnonzero((np.abs(colours - to_rgb(figures.ORANGE)) < 0.02).all(-1))
    assert grey.min() > orange.max()  # pixels count from above


def test_neighbours_of_one_label_share_it_with_their_number() -> None:
    labels = ["prefix"] * 200 + ["x", "y"]
    figure = figures.grid(labels, [["text", "text"]] * 202, height=3)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert "prefix (200)" in words
    assert words.count("x") == words.count("y") == 1


def test_crowded_labels_of_positions_stand_apart() -> None:
    labels = ["prefix"] * 200 + ["a", "b", "c", "d"]
    figure = figures.grid(labels, [["text", "text"]] * 204, height=3)
    at = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts}
    inch = 204 / 6.15
    assert all(at[right] - at[left] >= 0.24 * inch for left, right in ("ab", "bc", "cd"))


def test_a_tall_anatomy_is_not_higher_than_a_screen_and_names_fewer_layers() -> None:
    figure = figures.anatomy([("x", "text")], layers=30)
    names = [text for text in figure.axes[0].texts if text.get_text().startswith("layer")]
    assert figure.get_figheight() <= 4
    heights = [text.get_position()[1] for text in names]
    assert 4 <= len(names) <= 12
    assert [int(text.get_text().split()[1]) + 1.5 for text in names] == heights


def test_a_forest_plot_says_where_its_dots_are() -> None:
    accuracies = (0.55, 0.9, 0.7, 1.0, 0.3)
    rows = [
        figures.Row(str(at), 10**at, accuracy, None, yours=at == 2)
        for at, accuracy in enumerate(accuracies)
    ]
    figure, places = figures.forest(rows, cost="bytes")
    picture, axis = pixels(figure), figure.axes[0]
    height, width = picture.shape[:2]
    for line, ((x, y), row) in enumerate(zip(places, rows, strict=True)):
        at = (x * width, (1 - y) * height)
        assert axis.transData.inverted().transform(at) == pytest.approx((row.accuracy, line))
        colour = figures.YELLOW if row.yours else figures.BLUE
        dot = picture[round(y * height), round(x * width)]
        assert np.abs(dot - to_rgb(colour)).max() < 0.02
    heights = [y * height for _, y in places]
    assert np.diff(heights) == pytest.approx([18] * 4)


def test_the_texts_of_a_forest_plot_lie_on_their_rows_within_the_picture_and_on_no_other() -> None:
    names = [f"P-tuning v2, verbalizer, dropout {at}" for at in range(40)]
    rows = [figures.Row(name, 5760, 0.9, (0.85, 0.95)) for name in names]
    figure, places = figures.forest(rows, cost="trained parameters", beside=rows[-1])
    pixels(figure)  # which lays the texts out
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    width, height = figure.bbox.size
    assert all(box.x0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    of_rows = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts[1:]}
    for name, (_, y) in zip(names[:-1], places, strict=False):  # the last is the reference's too
        assert of_rows[name].y0 < (1 - y) * height < of_rows[name].y1


def test_the_frontier_of_a_forest_plot_is_bold() -> None:
    found = {"cheap": (0, 0.6), "worse": (10, 0.5), "as good": (20, 0.6), "better": (20, 0.8)}
    found |= {"dear": (30, 0.8), "best": (40, 0.9), "twin": (40, 0.9)}
    rows = [figures.Row(name, *both) for name, both in found.items()]
    figure, _ = figures.forest(rows, cost="bytes")
    texts = {text.get_text(): text.get_fontweight() for text in figure.axes[0].texts}
    bold = {name for name in found if texts[name] == "bold"}
    assert bold == {"cheap", "better", "best", "twin"}


def test_a_forest_plot_prints_what_each_row_costs() -> None:
    costs = {0: "0", 0.4321: "0.432", 30.0: "30", 5760: "5.76k", 999_999: "1M", 134515008: "135M"}
    figure, _ = figures.forest([figures.Row("", cost, 0.9) for cost in costs], cost="bytes")
    assert [text.get_text() for text in figure.axes[0].texts if text.get_text()] == [
        "bytes",
        *costs.values(),
    ]


def test_a_forest_plot_has_a_line_and_a_band_for_what_others_are_compared_with() -> None:
    def tinted(beside: figures.Row | None) -> list[bool]:
        figure, ((_, y), _) = figures.forest(rows, cost="bytes", beside=beside)
        between = pixels(figure)[round(y * figure.bbox.height) + 9]  # two rows
        xs = figure.axes[0].transData.transform([(at, 0) for at in (0.75, 0.83, 0.9, 0.97)])[:, 0]
        return [bool(between[round(x)].min() < 0.99) for x in xs]

    rows = [figures.Row("one", 1, 0.9, (0.8, 0.95)), figures.Row("two", 2, 0.7)]
    assert tinted(None) == [False] * 4
    assert tinted(rows[0]) == [False, True, True, False]
    figure, _ = figures.forest(rows, cost="bytes", beside=rows[0])
    (_, name, *_) = [text for text in figure.axes[0].texts if text.get_text() == "one"]
    assert name


def test_stacked_parts_lie_end_to_end_and_their_sum_is_written() -> None:
    rows = {"one": (3, 1), "two": (20, 0)}
    axis = figures.stacked(rows, parts=("a", "b"), xlabel="MB").axes[0]
    first, second = axis.containers
    assert [bar.get_x() + bar.get_width() for bar in first] == [bar.get_x() for bar in second]
    assert [text.get_text() for text in axis.texts] == ["4", "20"]

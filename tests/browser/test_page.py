"""What is drawn in the page answers there: dragged, by keys, and while the kernel is busy."""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import nbformat
import pytest
from lab import Lab, keep, report, run_all, wait_until_idle
from playwright.sync_api import Locator, Page, expect

from prefixlab.workbook.page import Curve, export

CELLS = (
    """from math import exp, log
from prefixlab.workbook.page import Curve, Microscope
steps = [step / 10 for step in range(-5, 16)]
walk = Curve({"": {t: 1 / (1 + exp(-5 * t)) for t in steps}}, xlabel="t (0: hated, 1: loved)",
             ylabel="P(positive)", guess=(0.5, 0.6), references={"a coin flip": 0.5})
walk""",
    """starts = {
    "from the task's words": {1: [0.84, 0.86, 0.87], 5: [0.87, 0.91, 0.89], 10: [0.9, 0.91, 0.92]},
    "from noise": {1: [0.5, 0.52, 0.55], 5: [0.55, 0.6, 0.7], 10: [0.7, 0.76, 0.8]},
    "unrelated words": {1: [0.8, 0.81], 5: [0.86, 0.87]},
}
Curve(starts, xlabel="length", ylabel="accuracy", log=True, references={"no training": 0.62,
      "words alone": 0.625})""",
    """by_start = {"32 sentences": {"task words": [0.4, 0.5], "noise": [0.7, 0.66]},
            "256 sentences": {"task words": [0.3, 0.32], "noise": [0.4, 0.5]}}
Curve(by_start, xlabel="start", ylabel="loss (nats)", references={"ln 2, a coin flip": log(2),
      "always the same": log(2), "words alone": 0.69})""",
    """import prefixlab as pl
lm, task = pl.load(), pl.tasks.load("movie_reviews", train=32, test=20)
prefix = pl.PrefixTuning(lm, task, prefix_length=6)
for step in pl.train(lm, prefix, task, steps=2):
    pass
scope = Microscope(lm, task, prefix, "The jokes are old, and I laughed all evening.")
scope""",
    "print('the kernel has', walk.value); walk.value, walk.guess = 1, (0, 0.9)",
    """from pathlib import Path
from time import sleep
while not Path("enough").exists():
    sleep(0.05)""",
)

SAYS, BUSY = len(CELLS) - 2, len(CELLS) - 1

# From an event to the frame that shows what it moved: the milliseconds, wherever something moved.
WATCH = """widget => {
  const drawn = () => widget.querySelector('.said').textContent
  window.took = []
  const watch = event => {
    const before = drawn()
    requestAnimationFrame(() => {
      const {port1, port2} = new MessageChannel()
      port1.onmessage = () => {  // after the frame
        if (drawn() !== before) window.took.push(performance.now() - event.timeStamp)
      }
      port2.postMessage(0)
    })
  }
  for (const kind of ['pointermove', 'keydown']) widget.addEventListener(kind, watch, true)
}"""


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page) -> Iterator[Page]:
    """A notebook with these cells, all of them run."""
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(book, lab.folder / "page.ipynb")
    (lab.folder / "enough").touch()  # the busy cell is at once done, for now
    page.set_default_timeout(30_000)
    page.goto(lab.page("page", "page.ipynb"))
    run_all(page, lab)
    wait_until_idle(page, 3)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    yield page
    lab.end_kernels()


@pytest.fixture
def widgets(opened: Page) -> Locator:
    return opened.locator(".prefixlab-page")


def test_each_is_shown_once(opened: Page, widgets: Locator) -> None:
    expect(widgets).to_have_count(4)
    assert opened.locator(".jp-OutputArea-output img").count() == 0  # the picture is for elsewhere


def test_a_curve_answers_while_it_is_dragged(opened: Page, widgets: Locator) -> None:
    walk = widgets.nth(0)
    left, right, height = track_of(walk)
    walk.evaluate(WATCH)
    opened.mouse.move(left, height)
    opened.mouse.down()
    for move in range(121):
        opened.mouse.move(left + move * (right - left) / 120, height)
        opened.wait_for_timeout(7 + move % 13)
    opened.mouse.up()
    expect(walk).to_contain_text("t 1.5: P(positive) 1.00")
    report("curve, dragged", opened.evaluate("window.took"), "moves", most=50)
    keep(walk, "curve_walk")


def test_its_slider_stands_under_the_point_and_moves_by_keys(
    opened: Page, widgets: Locator
) -> None:
    starts = widgets.nth(1)
    slider = starts.get_by_role("slider", name="length")
    slider.press("Home")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute(
        "aria-valuetext", "from the task's words, length 5: accuracy 0.89 (0.87 to 0.91, 3 seeds)"
    )
    expect(slider).to_be_focused()
    (thumb, _), (chosen, _) = (place_of(starts.locator(part)) for part in (".thumb", ".chosen"))
    assert abs(thumb - chosen) < 1
    slider.press("End")
    starts.get_by_role("button", name="unrelated words").press("Enter")
    expect(starts.locator(".said")).to_have_text("unrelated words, length 10: nothing recorded")
    expect(starts.locator(".chosen")).not_to_be_visible()
    starts.get_by_role("button", name="from noise").click()
    expect(starts.locator(".said")).to_contain_text("from noise, length 10: accuracy 0.75")
    opened.mouse.click(*place_of(starts.locator(".line").nth(0).locator(".dot").nth(1)))
    expect(starts.locator(".said")).to_contain_text("from the task's words, length 5: accuracy")
    keep(starts, "curve_lines")
    keep(widgets.nth(2), "curve_words")


def test_page_and_kernel_know_what_the_other_has_chosen(opened: Page, widgets: Locator) -> None:
    walk = widgets.nth(0)
    walk.get_by_role("slider").press("Home")
    walk.get_by_role("slider").press("ArrowRight")
    run(opened, SAYS)
    expect(cell(opened, SAYS)).to_contain_text("the kernel has -0.4")
    expect(walk).to_contain_text("t 1: P(positive) 0.99")
    expect(walk).to_contain_text("your guess 0.90")


def test_a_curve_is_drawn_anew_for_a_narrow_page(opened: Page, widgets: Locator) -> None:
    starts = widgets.nth(1)
    slider = starts.get_by_role("slider")
    slider.focus()
    left, right, _ = track_of(starts)
    size = opened.viewport_size
    assert size
    opened.set_viewport_size({"width": size["width"] - 400, "height": size["height"]})
    width = "document.querySelectorAll('.track')[1].x2.baseVal.value"
    opened.wait_for_function(f"wide => {width} < wide - 1", arg=right - left)
    expect(slider).to_be_focused()
    small = starts.locator("text").evaluate_all(
        "texts => texts.filter(text => parseFloat(getComputedStyle(text).fontSize) < 11).length"
    )
    assert small == 0
    assert starts.evaluate("widget => widget.scrollWidth <= widget.clientWidth")
    opened.set_viewport_size(size)
    # Drawn once more before another test looks: what is replaced under its eyes has no box.
    opened.wait_for_function(f"wide => {width} > wide - 1", arg=right - left)


def test_names_of_values_that_nearly_meet_do_not_lie_on_each_other(widgets: Locator) -> None:
    names = [
        widgets.nth(1).locator("text", has_text=name) for name in ("no training", "words alone")
    ]
    lower, upper = (name.bounding_box() for name in names)
    assert lower
    assert upper
    assert upper["y"] + 10 < lower["y"]  # above its line, and below it; a box has a rim


def test_no_name_lies_on_another_where_three_values_are_nearly_one(widgets: Locator) -> None:
    names = ("ln 2, a coin flip", "always the same", "words alone")
    drawn = [widgets.nth(2).locator("text", has_text=name).bounding_box() for name in names]
    for one, other in combinations(filter(None, drawn), 2):
        apart = [
            one[at] + one[size] <= other[at] or other[at] + other[size] <= one[at]
            for at, size in (("x", "width"), ("y", "height"))
        ]
        assert any(apart), (one, other)
    assert all(drawn)


def test_moving_waits_for_no_kernel(opened: Page, widgets: Locator, lab: Lab) -> None:
    walk, scope = widgets.nth(0), widgets.nth(3)
    walk.get_by_role("slider").press("Home")
    now = scope.locator(".chances")
    enough = lab.folder / "enough"
    enough.unlink()
    run(opened, BUSY)
    expect(cell(opened, BUSY).locator(".jp-InputPrompt")).to_have_text("[*]:")
    walk.get_by_role("slider").press("ArrowRight")
    expect(walk).to_contain_text("t -0.4", timeout=1000)
    scope.get_by_role("button", name="take away P3").click()
    expect(now).to_contain_text(re.compile(r"without P3\s*0\.\d{3}"), timeout=1000)
    scope.get_by_role("button", name="take away layer 2").press("Enter")
    expect(now).to_contain_text("without P3, layer 2…", timeout=1000)  # two parts: the model's turn
    expect(cell(opened, BUSY).locator(".jp-InputPrompt")).to_have_text("[*]:")
    enough.touch()
    wait_until_idle(opened, 1)
    expect(now).to_contain_text(re.compile(r"without P3, layer 2\s*0\.\d{3}"))


def test_the_microscope_follows_mouse_and_keys(opened: Page, widgets: Locator) -> None:
    scope = widgets.nth(3)
    said = scope.locator(".said")
    scope.locator(".pointed").scroll_into_view_if_needed()
    scope.evaluate(WATCH)
    box = scope.locator(".pointed").bounding_box()
    assert box
    for move in range(60):
        share = (move + 0.5) / 60
        opened.mouse.move(box["x"] + share * box["width"], box["y"] + (1 - share) * box["height"])
        opened.wait_for_timeout(7 + move % 13)
    report("microscope, pointed at", opened.evaluate("window.took"), "moves", most=50)
    expect(said).to_contain_text("Layer 11, mean of all heads")
    scope.get_by_label("heads").select_option("head 3")
    opened.mouse.move(0, 0)
    expect(said).to_contain_text("All layers, head 3")
    scope.locator(".pointed").press("ArrowUp")
    scope.locator(".pointed").press("ArrowRight")
    expect(said).to_contain_text("Layer 0, head 3: 0.")
    scope.locator(".pointed").press("Escape")
    first = scope.get_by_role("button", name="take away P0")
    first.press("ArrowRight")
    expect(scope.get_by_role("button", name="take away P1")).to_be_focused()
    keep(scope, "microscope")


def test_an_exported_page_needs_no_kernel(page: Page, tmp_path: Path) -> None:
    curve = Curve({"</script>": {1: [0.5, 0.7], 5: 0.9}, "b": {1: 0.4}}, xlabel="x", ylabel="y")
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html>{export.html(curve.script, curve.state())}")
    assert page.context.browser
    own = page.context.browser.new_page()  # the notebook stays open for the tests after this one
    own.goto(file.as_uri())
    said = own.locator(".said")
    expect(said).to_have_text("</script>, x 1: y 0.60 (0.50 to 0.70, 2 seeds)")
    own.get_by_role("slider").press("ArrowRight")
    expect(said).to_have_text("</script>, x 5: y 0.90")
    own.close()


def cell(page: Page, number: int) -> Locator:
    return page.locator(".jp-CodeCell").nth(number)


def run(page: Page, number: int) -> None:
    cell(page, number).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")


def track_of(curve: Locator) -> tuple[float, float, float]:
    """Where its slider begins and ends, and its height in the window."""
    curve.scroll_into_view_if_needed()
    track = curve.locator(".track").bounding_box()
    assert track
    return track["x"], track["x"] + track["width"], track["y"] + track["height"] / 2


def place_of(part: Locator) -> tuple[float, float]:
    """The middle of a part, in the window."""
    box = part.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

"""Every lesson in a real browser: it runs from top to bottom, and its panels do what they say."""

import re
from collections.abc import Callable

import pytest
from lab import FIGURES, MINUTES, Lab, keep, report, wait_until_idle
from playwright.sync_api import Locator, Page, expect

from prefixlab.workbook.protocol import STEPS

RunLesson = Callable[[str], Page]

# Presses an arrow key on a slider's handle and waits until what is drawn is something else, again
# and again; the milliseconds of each.
REDRAW = """async ([handle, drawn, moves, there]) => {
  const took = [], look = () => drawn.src ?? drawn.innerHTML
  for (let move = 0; move < moves; move++) {
    const before = look()
    const began = performance.now()
    const key = Math.floor(move / there) % 2 ? 'ArrowLeft' : 'ArrowRight'
    handle.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))
    while (look() === before && performance.now() - began < 5000)
      await new Promise(resolve => setTimeout(resolve, 1))
    await drawn.decode?.()
    took.push(performance.now() - began)
  }
  return took
}"""


def test_lesson_00(run_lesson: RunLesson) -> None:
    page = run_lesson("00")
    predicted = questions(page).first
    expect(predicted).to_contain_text("Predict first")
    press(predicted, "Commit")
    expect(predicted).to_contain_text("Choose an answer first")
    predicted.get_by_text("It is wild in between").click()
    press(predicted, "Commit")
    expect(predicted).to_contain_text("Your guess: It is wild in between")
    past = panels(page).first
    fill(past, "text", " ")
    expect(past).to_contain_text("empty; write at least one word")
    fill(past, "text", " The language is")
    choose(past, "in which layers", "upper half of the layers")
    expect(past).to_contain_text("with the past in front")
    expect(past).not_to_contain_text("empty; write")
    panel = panels(page).nth(1)
    guess(panel, "times")
    expect(panel).to_contain_text("24 times")
    choose(panel, "method", "prompt_tuning")
    before = panel.inner_text()
    move(panel, "prompt length", "ArrowRight")
    expect(panel).not_to_have_text(before)
    choose(panel, "method", "prefix_tuning")
    report("anatomy", redraws(panel, "prefix length", 60), "redraws", most=500)
    fill(panel, "layers", "0-99")
    expect(panel).to_contain_text("names no layers")
    fill(panel, "layers", "all")
    expect(panel).not_to_contain_text("names no layers")
    keep(panel, "anatomy")


def test_lesson_01(run_lesson: RunLesson) -> None:
    page = run_lesson("01")
    panel = panels(page).first
    skip(panel)
    fill(panel, "sentence", "<script>window.broken = 1</script> A joy to watch.")
    expect(panel).to_contain_text("the next token")
    assert page.evaluate("window.broken") is None
    fill(panel, "template", "no sentence here: {y}")
    expect(panel).to_contain_text("That does not work")
    choose(panel, "wording", "question")
    expect(panel).not_to_contain_text("That does not work")
    press(panel, "Score")
    press(panel, "Stop")
    expect(panel).to_contain_text("Stopped", timeout=MINUTES)
    move(panel, "sentences", "PageDown")
    press(panel, "Score")
    expect(panel.locator("table", has_text="Is this review")).to_be_visible(timeout=MINUTES)
    keep(panel, "playground")


def test_lesson_02(run_lesson: RunLesson) -> None:
    panel = panels(run_lesson("02")).first
    words = panel.locator(".widget-html-content", has_text=re.compile(r"Order \d")).first
    report("orders", redraws(panel, "order", 60, drawn=words), "answers", most=500)
    slider = panel.get_by_role("slider", name="first letters of the labels").and_(
        panel.locator("g")
    )
    slider.press("End")
    expect(slider).to_be_focused()
    expect(panel).to_contain_text(": positive, positive, negative, negative.")
    for name in ("draw (seed)", "demonstrations", "order"):
        move(panel, name, "ArrowRight")
    by_keyboard(panel)
    choose(panel, "labels", "drawn at random")
    press(panel, "Measure")
    press(panel, "Stop")
    expect(panel).to_contain_text("Stopped", timeout=MINUTES)
    press(panel, "Measure")
    expect(panel).to_contain_text("Yours: accuracy", timeout=MINUTES)
    keep(panel, "in_context")


def test_lesson_03(run_lesson: RunLesson) -> None:
    panel = panels(run_lesson("03")).last
    try_lab(panel, "prompt length", "soft_prompt")
    press(panel, "inside")
    expect(panel).to_contain_text("words nearest to it")
    run_table(panel)


def test_lesson_04(run_lesson: RunLesson, lab: Lab) -> None:
    page = run_lesson("04")
    panel = panels(page).last
    try_lab(panel, "prefix length", "prefix")
    along_the_curve(panel)
    press(panel, "inside")
    plot = panel.get_by_role("img").last
    expect(plot).to_be_visible()
    expect(plot).to_have_attribute("alt", re.compile("Inside the method"))
    expect(plot).to_have_css("filter", "none")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")  # as in the dark theme
    expect(plot).to_have_css("filter", re.compile("invert"))
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    fill(panel, "layers", "<b>7</b>")
    expect(panel).to_contain_text("layers='<b>7</b>' names no layers")
    fill(panel, "layers", "all")
    run_table(panel)
    memory_holds(page, lab, "prefix length")


def test_lesson_05(run_lesson: RunLesson) -> None:
    page = run_lesson("05")
    panel, comparison = panels(page).nth(1), panels(page).last
    try_lab(panel, "learning rate", "p_tuning", there=1, along="learning rate")
    template = panel.get_by_label("template", exact=True)
    before = template.input_value()
    panel.get_by_role("button", name="+", exact=True).first.press("Enter")
    expect(template).not_to_have_value(before)
    fill(panel, "template", "{soft:3}{x} Sentiment: {y}{soft:3}")
    expect(panel).to_contain_text("after {y}")
    fill(panel, "template", before)
    run_table(panel)

    point = comparison.locator(".prefixlab-point[title*=yours]:visible").first
    point.press("Enter")
    expect(comparison).to_contain_text("accuracy")
    expect(comparison.locator("table")).to_contain_text("p_tuning")
    keep(comparison, "comparison")


def test_lesson_06(run_lesson: RunLesson) -> None:
    panel = panels(run_lesson("06")).last
    try_lab(panel, "learning rate", "p_tuning_v2", there=1, along="learning rate")
    choose(panel, "answered by", "words")
    fill(panel, "layers", "last:99")
    expect(panel).to_contain_text("layers='last:99' names no layers")
    fill(panel, "layers", "last:1")
    expect(panel).not_to_contain_text("names no layers")
    run_table(panel)


def test_lesson_07(run_lesson: RunLesson) -> None:
    panel = panels(run_lesson("07")).last
    before = panel.inner_text()
    move(panel, "table", "ArrowRight")
    expect(panel).not_to_have_text(before)
    choose(panel, "kinds of places", "unseen")
    choose(panel, "written", "by sampling")
    press(panel, "Write")
    expect(panel).to_contain_text("your prefix (by sampling)", timeout=MINUTES)
    expect(panel).to_contain_text("not said", timeout=MINUTES)  # by random weights, whatever is
    keep(panel, "texts")


def test_lesson_08(run_lesson: RunLesson) -> None:
    page = run_lesson("08")
    question = questions(page).first
    question.get_by_text("About 80").click()
    press(question, "Commit")
    expect(question).to_contain_text("Your guess: About 80")
    accuracy = page.locator(".prefixlab-page").filter(has_text="always the same label").first
    slider = accuracy.get_by_role("slider", name="steps of LM adaptation")
    slider.press("Home")
    expect(accuracy).to_contain_text("prompt, steps of LM adaptation 0: accuracy")
    slider.press("End")
    expect(accuracy).to_contain_text("prompt, steps of LM adaptation 1200: accuracy")
    accuracy.get_by_role("button", name="all weights").click()
    expect(accuracy).to_contain_text("all weights, steps of LM adaptation 1200: accuracy")
    keep(accuracy, "adaptation")


def test_lesson_09(run_lesson: RunLesson) -> None:
    panel = panels(run_lesson("09")).last
    slider = panel.get_by_role("slider", name="prompts together")
    slider.press("Home")
    expect(panel).to_contain_text("majority vote, prompts together 1: accuracy")
    choose(panel, "tested on", "tweets")
    expect(panel).to_contain_text("tested on tweets")
    panel.get_by_role("button", name="mean probability").click()
    slider.press("End")
    expect(panel).to_contain_text("mean probability, prompts together 5: accuracy")
    panel.page.wait_for_timeout(1000)  # the kernel hears of a move after the page has drawn it
    choose(panel, "trained with", "50 tokens, 256 sentences")
    expect(panel).to_contain_text("mean probability, prompts together 3: accuracy")
    keep(panel, "ensembles")


def test_lesson_10(run_lesson: RunLesson) -> None:
    comparison = panels(run_lesson("10")).last
    for axis in ("stored bytes", "seconds of training", "trained parameters"):
        choose(comparison, "compare by", axis)
    choose(comparison, "tested on", "tweets")
    comparison.locator(".prefixlab-point:visible").first.press("Enter")
    expect(comparison.locator("table")).to_contain_text("trained parameters")
    keep(comparison, "comparison_of_all")


def test_lesson_11(run_lesson: RunLesson) -> None:
    panel = panels(run_lesson("11")).last
    guess(panel, "points")
    expect(panel).to_contain_text("one seed")
    panel.get_by_role("slider", name="seeds looked at").press("ArrowRight")
    expect(panel).to_contain_text("seeds looked at 2: mean lead over prefix")
    expect(panel).to_contain_text("seeds agree")
    choose(panel, "baseline", "prompt")
    choose(panel, "measure", "loss")
    expect(panel).to_contain_text("nats")
    keep(panel, "variants")


def by_keyboard(panel: Locator) -> None:
    """A list to choose from, a box to tick and the next control: without a mouse."""
    choices = row_of(panel, "labels").locator("select")
    choices.press("Space")  # opens the list; on a closed one JupyterLab takes the arrows for itself
    panel.page.keyboard.press("ArrowDown")
    panel.page.keyboard.press("Enter")
    expect(choices).to_have_value("drawn at random")
    choices.press("Tab")
    focused = panel.page.locator(":focus")
    assert row_of(panel, "draw (seed)").locator(focused).count() == 1
    tick = panel.get_by_label("calibrate")
    tick.press("Space")
    expect(tick).to_be_checked()
    tick.press("Space")
    expect(tick).not_to_be_checked()


def try_lab(panel: Locator, slider: str, name: str, there: int = 4, along: str = "") -> None:
    """What all labs have in common: guess, turn, train, stop, resume, a sentence.

    The slider is one along which runs are recorded; `along` presses the button of that axis.
    """
    guess(panel, "points")
    if along:
        press(panel, along)
    report(name, redraws(panel, slider, 60, there), "redraws", most=500)
    for knob in ("training sentences", "steps"):
        move(panel, knob, "ArrowLeft")
    panel.page.wait_for_timeout(500)  # a slider's last value may leave after the next click
    seconds = panel.evaluate(
        """async panel => {
          const began = performance.now()
          const train = [...panel.querySelectorAll('button')].find(b => b.innerText === 'Train')
          train.click()
          while (!panel.innerText.includes('step 1 of') && performance.now() - began < 60000)
            await new Promise(resolve => setTimeout(resolve, 5))
          return (performance.now() - began) / 1000
        }"""
    )
    FIGURES.append(f"{name}: first step shown after {seconds:.1f} s")
    press(panel, "Stop")
    stopped = re.compile(rf"stopped: run 1 after step \d+ of {STEPS - 1}; Resume goes on")
    expect(panel).to_contain_text(stopped, timeout=MINUTES)
    press(panel, "Resume")
    expect(panel).to_contain_text("done: run 1", timeout=2 * MINUTES)
    expect(panel).to_contain_text("Against no training")
    keep(panel, f"{name}_run")
    fill(panel, "your sentence", "<script>window.broken = 1</script> I want my money back.")
    expect(panel).to_contain_text("before training")
    assert panel.page.evaluate("window.broken") is None
    press(panel, "recorded runs")
    keep(panel, name)


def along_the_curve(panel: Locator) -> None:
    """Going along the recorded runs turns the knobs, and turning them goes along the runs."""
    slider = panel.locator("g[role=slider][aria-label='prefix length']:visible")
    length = row_of(panel, "prefix length").locator(".widget-readout")
    for key, place in (("End", "50"), ("Home", "1"), ("ArrowRight", "5")):
        slider.press(key)
        expect(length).to_have_text(place)
    expect(panel).to_contain_text("the task's words, prefix length 5: accuracy")
    panel.get_by_role("button", name="uniform noise").locator("visible=true").press("Enter")
    expect(panel).to_contain_text("uniform noise, prefix length 5: accuracy")
    start = row_of(panel, "starting point").locator("option:checked")
    expect(start).to_have_text("uniform noise")
    handle_of(panel, "prefix length").press("ArrowRight")
    expect(panel.get_by_text("6: not recorded").locator("visible=true")).to_be_visible()
    press(panel, "test loss (nats)")
    expect(panel).to_contain_text("uniform noise, prefix length 5: test loss")


def run_table(panel: Locator) -> None:
    """A run is hidden and shown again by keyboard, another one is deleted while it trains."""
    press(panel, "your runs")
    runs = panel.locator("table.runs")
    expect(runs.locator("tbody tr")).to_have_count(1)
    curves = panel.locator(".prefixlab-page svg .run.newest")
    expect(curves).to_have_count(2)
    runs.get_by_role("button", name="Hide run 1").press("Enter")
    expect(curves).to_have_count(0)
    runs.get_by_role("button", name="Show run 1").press("Space")
    expect(curves).to_have_count(2)
    press(panel, "Train")
    expect(panel).to_contain_text("training: run 2, step", timeout=MINUTES)
    runs.get_by_role("button", name="Delete run 2").click()
    expect(panel).to_contain_text("ready")
    expect(runs.locator("tbody tr")).to_have_count(1)


def memory_holds(page: Page, lab: Lab, slider: str) -> None:
    """200 moves of a slider and 20 runs of the panel's cell, in kernel and page together."""
    panel = panels(page).last
    cell = page.locator(".jp-CodeCell", has=page.locator(".prefixlab-panel")).last

    def megabytes() -> tuple[float, float]:
        page.evaluate("window.gc && window.gc()")
        return lab.kernel_megabytes(), page.evaluate("performance.memory.usedJSHeapSize / 1e6")

    def run_again(times: int) -> None:
        cell.locator(".jp-InputArea-editor").click()
        for _ in range(times):
            page.keyboard.press("Control+Enter")
            wait_until_idle(page, 1)

    run_again(2)  # the first time, pandas and matplotlib fill their caches
    skip(panels(page).last)
    redraws(panels(page).last, slider, 20)
    kernel, heap = megabytes()
    redraws(panels(page).last, slider, 200)
    run_again(20)
    kernel_after, heap_after = megabytes()
    FIGURES.append(
        f"memory: kernel {kernel_after - kernel:+.0f} MB, page {heap_after - heap:+.0f} MB"
    )
    assert kernel_after - kernel < 50
    assert heap_after - heap < 50
    assert panel.count() == 1


def panels(page: Page) -> Locator:
    return page.locator(".prefixlab-panel:not(.prefixlab-choice)")


def questions(page: Page) -> Locator:
    """The predictions at the top of lessons."""
    return page.locator(".prefixlab-choice")


def press(panel: Locator, name: str) -> None:
    panel.get_by_role("button", name=name, exact=True).click()


def skip(panel: Locator) -> None:
    panel.get_by_role("button", name="Skip", exact=True).press("Enter")
    expect(panel.locator(":focus")).to_have_count(1)


def guess(panel: Locator, unit: str) -> None:
    """Answer the panel's question by keyboard: it must show the guess beside what was measured."""
    if unit == "points":
        panel.get_by_role("button", name="about the same", exact=True).press("Enter")
    panel.get_by_role("button", name="Show me", exact=True).press("Space")
    expect(panel).to_contain_text("your guess")
    expect(panel).to_contain_text("measured")
    expect(panel.locator("summary")).to_be_focused()  # not the page, where keys are commands


def row_of(panel: Locator, label: str) -> Locator:
    """The control with that label."""
    named = panel.page.locator(".widget-label", has_text=re.compile(f"^{re.escape(label)}$"))
    return panel.locator(".widget-inline-hbox:visible").filter(has=named)


def handle_of(panel: Locator, label: str) -> Locator:
    return row_of(panel, label).locator(".noUi-handle")


def move(panel: Locator, label: str, key: str) -> None:
    """Move a slider by keyboard, and see its readout change or stay at the end."""
    handle_of(panel, label).press(key)


def choose(panel: Locator, label: str, value: str) -> None:
    row_of(panel, label).locator("select").select_option(value)


def fill(panel: Locator, label: str, text: str) -> None:
    box = row_of(panel, label).locator("input[type=text]")
    box.fill(text)
    box.press("Enter")


def redraws(
    panel: Locator, slider: str, moves: int, there: int = 4, drawn: Locator | None = None
) -> list[float]:
    """The milliseconds from a key on the slider to the new picture; `there` moves, then back."""
    drawn = drawn or panel.locator(".prefixlab-plot img:visible, .prefixlab-page svg:visible").first
    handle = handle_of(panel, slider).element_handle()
    return panel.page.evaluate(REDRAW, [handle, drawn.element_handle(), moves, there])


@pytest.fixture(autouse=True)
def room(page: Page) -> None:
    page.set_default_timeout(30_000)

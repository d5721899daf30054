"""A learner at a lesson: predicts, answers wrongly and rightly, trains, stops, and comes back."""

import re

import pytest
from lab import MINUTES, ROOT, Lab, keep, wait_for_kernel, wait_until_idle
from playwright.sync_api import Locator, Page, expect

from prefixlab.workbook.copies import bring_up_to_date

BEHIND = """def put_in_front(prompt, embedded):
    repeated = prompt.expand(len(embedded), -1, -1)
    return torch.cat([embedded, repeated], dim=1)

put_in_front = check.put_in_front.use(put_in_front)"""
ALONE = BEHIND.replace("return torch.cat([embedded, repeated], dim=1)", "return prompt")
IN_FRONT = BEHIND.replace("[embedded, repeated]", "[repeated, embedded]")
# What later cells call is the learner's own: it counts, from after the check on.
COUNTED = "\n".join(
    (
        "calls = []",
        IN_FRONT.replace("    repeated", "    calls.append(len(prompt))\n    repeated", 1),
        "calls.clear()",
    )
)


@pytest.fixture
def lesson(lab: Lab, page: Page) -> Page:
    """Lesson 03 in the learner's folder, as `make lab` opens it: nothing has been run."""
    bring_up_to_date(ROOT / "notebooks", lab.folder / "mine")
    page.set_default_timeout(30_000)
    page.goto(lab.page("learner", "mine/03_prompt_tuning.ipynb"))
    wait_for_kernel(page, lab)
    wait_until_idle(page, 1)
    return page


def test_a_learner_goes_through_a_lesson(lesson: Page, lab: Lab) -> None:
    page = lesson
    expect(page.locator(".jp-OutputArea-output")).to_have_count(0)  # no answer before its question

    blank = page.locator(".jp-CodeCell", has_text="check.put_in_front.use")
    select(blank)
    from_menu(page, "Run All Above Selected Cell")
    wait_until_idle(page, 3)
    predict(page)

    for code, verdict in (
        (ALONE, "a tensor of shape [1, 8, 4], you return one of shape [3, 4]"),
        (BEHIND, "the prompt stands behind the text"),
        (COUNTED, "Right."),
    ):
        write(blank, code)
        page.keyboard.press("Control+Enter")
        expect(blank.locator(".jp-OutputArea-output")).to_contain_text(verdict)
    expect(blank).to_contain_text("The lesson goes on with yours.")
    keep(blank, "learner_blank")

    select(blank)
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    from_menu(page, "Run Selected Cell and All Below")
    wait_until_idle(page, 5)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    guess = page.locator(".jp-OutputArea-output", has_text="Your guess").last
    expect(guess).to_contain_text("I have a feeling")
    used = page.locator(".jp-CodeCell").last
    write(used, "print('called:', bool(calls))")
    page.keyboard.press("Control+Enter")
    expect(used.locator(".jp-OutputArea-output")).to_have_text(re.compile("called: True"))

    panel = page.locator(".prefixlab-panel:not(.prefixlab-choice)").last
    named(panel, "Train").press("Space")
    expect(panel).to_contain_text(re.compile(r"training: run 1, step \d"), timeout=MINUTES)
    expect(named(panel, "Stop")).to_be_focused()  # not the page, where keys are commands
    page.keyboard.press("Space")
    expect(panel).to_contain_text("stopped: run 1 after step", timeout=MINUTES)
    expect(named(panel, "Resume")).to_be_focused()

    write(used, "import time; time.sleep(6)")
    page.keyboard.press("Control+Enter")
    press(panel, "inside")
    expect(panel).to_contain_text("words nearest to it", timeout=3_000)  # the kernel is asleep
    wait_until_idle(page, 1)

    page.keyboard.press("Control+s")
    tab = page.locator(".lm-TabBar-tab", has_text="03_prompt_tuning")
    expect(tab).not_to_have_class(re.compile("jp-mod-dirty"))  # it is on the disk
    page.reload()
    wait_until_idle(page, 1)
    assert len(lab.ask("GET", "sessions")) == 1  # the same kernel: nothing is to be run again
    expect(blank.locator(".cm-content")).to_contain_text("calls.append")
    expect(panel).to_contain_text("stopped: run 1 after step", timeout=MINUTES)
    press(panel, "Resume")
    expect(panel).to_contain_text("done: run 1", timeout=2 * MINUTES)
    keep(panel, "learner_came_back")
    lab.end_kernels()


def predict(page: Page) -> None:
    question = page.locator(".prefixlab-choice").first
    question.locator("input[type=radio]").first.check()
    question.locator("input[type=text]").fill("I have a feeling")
    named(question, "Commit").press("Enter")
    expect(named(question, "Change")).to_be_focused()
    expect(question).to_contain_text("Your guess")


def named(where: Locator, button: str) -> Locator:
    return where.get_by_role("button", name=button, exact=True)


def select(cell: Locator) -> None:
    cell.locator(".jp-InputArea-editor").click()


def write(cell: Locator, code: str) -> None:
    """In the place of what stands in a cell; typed, brackets would be closed twice."""
    select(cell)
    cell.page.keyboard.press("Control+a")
    cell.page.keyboard.insert_text(code)


def from_menu(page: Page, item: str) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text(item, exact=True).click()


def press(where: Locator, name: str) -> None:
    named(where, name).click()

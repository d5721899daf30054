"""A learner who reads Chinese: text, question, check and panel of a lesson in one language."""

import re

import nbformat
import pytest
from lab import MINUTES, ROOT, Lab, keep, wait_for_kernel, wait_until_idle
from playwright.sync_api import Page, expect
from test_learner import ALONE, from_menu, press, select, write

from prefixlab.workbook.copies import bring_up_to_date

CHOSEN = "import os\nos.environ['PREFIXLAB_LANGUAGE'] = 'zh_CN'"  # as `make lab LANGUAGE=zh_CN`


@pytest.fixture
def lesson(lab: Lab, page: Page, monkeypatch: pytest.MonkeyPatch) -> Page:
    """Lesson 03 in the learner's folder, in a kernel that was started in Chinese."""
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "zh_CN")
    bring_up_to_date(ROOT / "notebooks", lab.folder / "mine_zh_CN")
    copy = lab.folder / "mine_zh_CN" / "03_prompt_tuning.ipynb"
    book = nbformat.read(copy, as_version=4)
    book.cells.insert(0, nbformat.v4.new_code_cell(CHOSEN))
    nbformat.write(book, copy)
    page.set_default_timeout(30_000)
    page.goto(lab.page("chinese", f"mine_zh_CN/{copy.name}"))
    wait_for_kernel(page, lab)
    wait_until_idle(page, 1)
    return page


def test_a_lesson_speaks_chinese_from_its_title_to_its_panel(lesson: Page, lab: Lab) -> None:
    page = lesson
    expect(page.locator(".jp-MarkdownOutput h1").first).to_contain_text("03 提示调优")
    blank = page.locator(".jp-CodeCell", has_text="check.put_in_front.use")
    select(blank)
    from_menu(page, "Run All Above Selected Cell")
    wait_until_idle(page, 3)

    question = page.locator(".prefixlab-choice").first
    expect(question).to_contain_text("先猜一猜。 训练十个向量")
    question.get_by_label("两者差不多").check()
    press(question, "确定")
    expect(question).to_contain_text("你的猜测： 两者差不多")
    keep(question, "chinese_question")

    write(blank, ALONE)
    page.keyboard.press("Control+Enter")
    said = "应为：形状为 [1, 8, 4] 的张量；你返回的是：形状为 [3, 4] 的张量"
    expect(blank.locator(".jp-OutputArea-output")).to_contain_text(said)

    panel = page.locator(".jp-CodeCell", has_text="PromptTuningPanel(lm, task)").last
    select(panel)
    page.keyboard.press("Control+Enter")
    wait_until_idle(page, 1)
    press(panel, "跳过")
    press(panel, "训练")
    expect(panel).to_contain_text(re.compile(r"训练中: 运行 1，第 \d+ 步"), timeout=MINUTES)
    press(panel, "停止")
    expect(panel).to_contain_text("按“恢复”继续", timeout=MINUTES)
    keep(panel, "chinese_lab")
    lab.end_kernels()

"""The first lesson in a real browser: it opens, runs from top to bottom, and its slider draws."""

import os
from pathlib import Path

from playwright.sync_api import Page, expect

MINUTES = 60_000  # in the milliseconds that Playwright counts


def test_the_first_lesson_runs_and_its_slider_redraws(lab: str, page: Page) -> None:
    page.goto(f"{lab}/lab/tree/notebooks/00_start_here.ipynb")
    # The status bar may show the same indicator a second time.
    toolbar = page.locator(".jp-NotebookPanel-toolbar")
    idle = toolbar.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    expect(idle).to_be_visible(timeout=1 * MINUTES)  # a menu opened earlier closes again
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    handle = page.locator(".noUi-handle").first
    handle.wait_for(timeout=4 * MINUTES)
    # The widgets come before the last cells: wait until the kernel has nothing left to do.
    expect(idle).to_be_visible(timeout=4 * MINUTES)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0

    picture = page.locator(".jp-OutputArea img.widget-image").first
    before = picture.get_attribute("src")
    handle.scroll_into_view_if_needed()
    handle.focus()
    page.keyboard.press("ArrowLeft")
    expect(picture).not_to_have_attribute("src", before or "", timeout=5_000)
    if folder := os.environ.get("PREFIXLAB_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "lesson_00.png")

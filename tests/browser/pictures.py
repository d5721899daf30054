"""The README's pictures of panels, in the light and the dark theme: `make pictures`."""

import tempfile
from pathlib import Path

import nbformat
from lab import CHROMIUM, FLAGS, ROOT, Lab, run_all, wait_until_idle
from playwright.sync_api import sync_playwright

PANELS = {
    "anatomy": "AnatomyPanel()",
    "prefix": "PrefixTuningPanel(lm, lab)",
    "p_tuning": "PTuningPanel(lm, lab)",
    "comparison": "ComparisonPanel(lm)",
}
START = """import prefixlab as pl
from prefixlab.workbook.measuring import lesson_task
from prefixlab.workbook.panels import *
lm, lab = pl.load(), lesson_task()"""


def take(theme: str) -> None:
    """Open these panels in one notebook, and save a picture of each."""
    cells = [nbformat.v4.new_code_cell(code) for code in (START, *PANELS.values())]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    folder = ROOT / "docs" / theme
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        lab = Lab(Path(scratch), "smollm2", theme=f"JupyterLab {theme.title()}")
        nbformat.write(book, Path(scratch) / "panels.ipynb")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.goto(lab.page(theme, "panels.ipynb"))
        run_all(page, lab)
        wait_until_idle(page, 2)
        panels = page.locator(".prefixlab-panel")
        for number, name in enumerate(PANELS):
            panel = panels.nth(number)
            if (skip := panel.get_by_role("button", name="Skip", exact=True)).count():
                skip.click()
            page.wait_for_timeout(500)
            panel.scroll_into_view_if_needed()
            panel.screenshot(path=folder / f"{name}.png")
        browser.close()
        lab.end_kernels()
        lab.close()


if __name__ == "__main__":
    for theme in ("light", "dark"):
        take(theme)

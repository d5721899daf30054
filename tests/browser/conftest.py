"""A JupyterLab and a Chromium, as a learner has them."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from lab import CHROMIUM, FIGURES, FLAGS, ROOT, Lab, run_all, wait_until_idle
from playwright.sync_api import Page, sync_playwright
from random_gpt2 import random_gpt2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None and not os.environ.get("CI"):
        missing = pytest.mark.skip(reason="no Chromium here; in CI it is required")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """What was measured goes with the test's report, from a worker to the terminal."""
    try:
        yield
    finally:
        item.user_properties += [("measured", line) for line in FIGURES]
        FIGURES.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured is shown whether or not a test failed."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for _, line in report.user_properties:
                terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    # What the panels do is tried on a model that knows nothing and is quick; that the lessons are
    # right on the real one is nbval's to say.
    lab = Lab(tmp_path_factory.mktemp("lab"), str(random_gpt2(hidden=192)))
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()


@pytest.fixture
def run_lesson(lab: Lab, page: Page) -> Iterator[Callable[[str], Page]]:
    """Opens the lesson of a number and runs all its cells, as a learner would."""

    def run(number: str) -> Page:
        (lesson,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        page.goto(lab.page(f"lesson{number}", f"notebooks/{lesson.name}"))
        run_all(page, lab)
        wait_until_idle(page, 5)
        assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
        return page

    yield run
    lab.end_kernels()

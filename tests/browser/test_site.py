"""The web site: read, searched, and its widgets moved, with no kernel and no other host."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from filelock import FileLock
from lab import ROOT
from playwright.sync_api import Page, expect

from prefixlab.workbook.page.base import STORED

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LOCALE = ROOT / "docs" / "locale"
TUNING, NARROW = "notebooks/04_prefix_tuning", 390


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as a workflow publishes it, built once for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    with FileLock(f"{folder}.lock"):
        if not (folder / "index.html").exists():  # it is written last
            there = os.environ | {"GITHUB_REPOSITORY": "example/prefixlab"}
            subprocess.run(
                [sys.executable, ROOT / "docs" / "build.py", folder], check=True, env=there
            )
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


Opening = Callable[..., Page]


@pytest.fixture
def opened(page: Page, address: str) -> Iterator[Opening]:
    """Opens a page of the site; whatever goes wrong in it fails the test."""
    browser, faults = page.context.browser, []
    assert browser
    own = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    own.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    own.on("pageerror", lambda error: faults.append(str(error)))
    own.on(
        "request", lambda request: faults.append(request.url) if elsewhere(request.url) else None
    )

    def elsewhere(url: str) -> bool:
        return not url.startswith((address, "data:", "blob:"))

    def go(name: str, code: str = "en") -> Page:
        own.goto(f"{address}/{code}/{name}")
        return own

    yield go
    own.context.close()
    assert faults == []


def widgets_in(lesson: Path) -> int:
    outputs = [
        output
        for cell in nbformat.read(lesson, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    return sum(STORED in output.get("metadata", {}) for output in outputs)


@pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.stem for lesson in LESSONS])
def test_a_lesson_lives_in_the_page_on_a_screen_and_on_a_phone(
    lesson: Path, opened: Opening
) -> None:
    shown = opened(f"notebooks/{lesson.stem}.html")
    expect(shown.locator(".prefixlab-page")).to_have_count(widgets_in(lesson))
    expect(shown.locator("mjx-container").first).to_be_attached()
    assert shown.locator("mjx-merror").count() == 0
    article = shown.locator("article")
    expect(article).not_to_contain_text("needs a running kernel")
    assert article.locator("img").evaluate_all("all => all.every(image => image.alt)")
    shown.set_viewport_size({"width": NARROW, "height": 844})
    shown.wait_for_timeout(300)  # the widgets are drawn anew
    assert shown.evaluate("document.documentElement.scrollWidth") == NARROW


def test_a_slider_is_reached_by_tab_and_moved_by_arrows(opened: Opening) -> None:
    shown = opened(f"{TUNING}.html")
    expect(shown.get_by_role("slider").first).to_be_attached()
    assert "slider" in (tab(shown) for _ in range(400))
    walk = shown.locator(".prefixlab-page:focus-within")  # Tab begins where the browser likes
    said, point = walk.locator(".said"), walk.locator(".chosen")
    shown.keyboard.press("Home")
    before = said.inner_text(), point.get_attribute("cx")
    shown.keyboard.press("ArrowRight")
    expect(said).not_to_have_text(before[0])
    assert point.get_attribute("cx") != before[1]


def tab(shown: Page) -> str:
    """The role of what the next Tab comes to; one that stands on a slider goes no further."""
    role = "document.activeElement.getAttribute('role') || document.activeElement.className"
    if shown.evaluate(role) != "slider":
        shown.keyboard.press("Tab")
    return str(shown.evaluate(role))


def test_the_first_tab_offers_to_skip_to_the_text(opened: Opening) -> None:
    shown = opened(f"{TUNING}.html")
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.hash") == "#main-content"
    expect(shown.locator("#main-content")).to_be_attached()


def test_the_microscope_takes_a_position_away(opened: Opening) -> None:
    shown = opened(f"{TUNING}.html")
    shown.get_by_role("button", name="take away P0", exact=True).click()
    expect(shown.locator(".chances")).to_contain_text(re.compile(r"without P0\s*0\.\d{3}"))


def test_the_search_finds_a_lesson_by_its_term(opened: Opening) -> None:
    shown = opened("search.html?q=reparameterization")
    found = shown.locator("#search-results a[href*='04_prefix_tuning']")
    expect(found.first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_pictures_are_readable_by_day_and_by_night(scheme: str, opened: Opening) -> None:
    shown = opened(f"{TUNING}.html")
    shown.emulate_media(color_scheme=scheme)
    shown.reload()
    light = (
        "part => getComputedStyle(part)[KEY].match(/[\\d.]+/g).slice(0, 3)"
        ".reduce((sum, part) => sum + part / 765, 0)"
    )
    ground = shown.locator("body").evaluate(light.replace("KEY", "'backgroundColor'"))
    assert (ground < 0.2) if scheme == "dark" else (ground > 0.9)
    for words in (shown.locator(".prefixlab-page .said").first, shown.locator("p.panel").first):
        assert abs(words.evaluate(light.replace("KEY", "'color'")) - ground) > 0.5
    picture = shown.locator(".cell_output img").first
    if scheme == "dark":  # figures are drawn on white, some on no ground at all
        assert picture.evaluate(light.replace("KEY", "'backgroundColor'")) == pytest.approx(1)


def test_a_lesson_opens_in_colab_behind_a_cell_that_installs_it(site: Path) -> None:
    text = (site / f"en/{TUNING}.html").read_text(encoding="utf-8")
    (path,) = re.findall(
        r"colab\.research\.google\.com/github/example/prefixlab/blob/([^\"]*)", text
    )
    branch, _, file = path.partition("/")
    assert branch == "gh-pages"
    lesson = nbformat.read(site / file, as_version=4)
    setting_up, first = [cell for cell in lesson.cells if cell.cell_type == "code"][:2]
    assert "pip install" in setting_up.source
    assert "example/prefixlab" in setting_up.source
    assert "import prefixlab" in first.source
    assert not any(cell.get("outputs") for cell in lesson.cells)


class Parts(HTMLParser):
    """The links of a page, its anchors, and its pictures without words."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.wordless: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [found[key] or "" for key in ("href", "src") if key in found]
        self.anchors |= {found[key] or "" for key in ("id", "name") if key in found}
        if tag == "img" and not found.get("alt"):
            self.wordless.append(found.get("src") or "")


@pytest.fixture(scope="module")
def parts(site: Path) -> dict[Path, Parts]:
    pages = [file for file in site.rglob("*.html") if "_static" not in file.parts]
    return {file.resolve(): Parts(file.read_text(encoding="utf-8")) for file in pages}


def test_every_link_inside_the_site_leads_somewhere(parts: dict[Path, Parts]) -> None:
    broken = []
    for file, found in parts.items():
        for link in found.links:
            place = urlsplit(link)
            if place.scheme or place.netloc:
                continue
            target = (file.parent / unquote(place.path)).resolve() if place.path else file
            target = target / "index.html" if target.is_dir() else target
            anchors = parts[target].anchors if target in parts else {unquote(place.fragment)}
            if not target.exists() or unquote(place.fragment) not in anchors:
                broken.append(f"{file.name}: {link}")
    assert sorted(set(broken)) == []


def test_every_picture_has_words_in_its_place(parts: dict[Path, Parts]) -> None:
    assert [(file.name, found.wordless) for file, found in parts.items() if found.wordless] == []


def test_every_public_name_leads_to_its_reference(site: Path) -> None:
    text = (site / "en/docs/api/names.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr.*?</tr>", text.partition("<tbody>")[2], re.DOTALL)
    assert len(rows) > 40
    assert [row for row in rows if 'class="reference internal"' not in row] == []


@pytest.mark.parametrize("code", ["en", *sorted(path.name for path in LOCALE.glob("*"))])
def test_a_page_leads_to_itself_in_the_other_languages(
    code: str, site: Path, opened: Opening
) -> None:
    others = {path.parent.name for path in site.glob("*/genindex.html")} - {code}
    shown = opened(f"{TUNING}.html", code)
    links = shown.locator("a.language")
    assert links.count() == len(others)
    for other in others:
        links.and_(shown.locator(f"[href*='/{other}/']")).click()
        expect(shown).to_have_url(re.compile(f"/{other}/{TUNING}.html$"))
        shown.go_back()


@pytest.mark.skipif(not (LOCALE / "zh_CN").exists(), reason="no catalogues in Chinese")
def test_the_search_finds_a_term_in_chinese(opened: Opening) -> None:
    found = opened("search.html?q=前缀", "zh_CN").locator("#search-results a")
    expect(found.first).to_be_visible()

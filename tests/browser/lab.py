"""A running JupyterLab over a copy of the lessons."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Without these, Chromium asks hosts that a closed network refuses, many times a second.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
    "--js-flags=--expose-gc",  # what is garbage is no leak
]
MINUTES = 60_000  # in the milliseconds that Playwright counts
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false"},  # it would cover the page
    # All cells are in the page, not only those in sight: a test asks for what is further down.
    "notebook-extension/tracker": {"windowingMode": "none"},
}
FIGURES: list[str] = []  # lines about the test that runs, for the end of the report


class Lab:
    """A running JupyterLab over a copy of the lessons, so that none is changed.

    The lessons' kernels load `backbone`, a name or the folder of a model. Whoever else is on this
    machine is kept out by a token, which is no argument: a list of processes would show it.
    """

    def __init__(self, folder: Path, backbone: str, theme: str = "JupyterLab Light"):
        self.folder = folder
        shutil.copytree(ROOT / "notebooks", folder / "notebooks")
        for name, setting in (SETTINGS | {"apputils-extension/themes": {"theme": theme}}).items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(setting))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}"]
        command += [f"--ServerApp.root_dir={folder}", "--allow-root"]
        self.token = secrets.token_hex()
        settings = {
            "JUPYTER_TOKEN": self.token,
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "PREFIXLAB_BACKBONE": backbone,
        }
        self.server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | settings,
        )
        self.wait_until_it_answers()

    def page(self, workspace: str, path: str) -> str:
        """Where a browser finds a file. In a workspace of its own, nothing else is opened again."""
        return f"{self.address}/lab/workspaces/{workspace}/tree/{path}?token={self.token}"

    def ask(self, method: str, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.address}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def wait_until_it_answers(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                self.ask("GET", "status")
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def end_kernels(self) -> None:
        """One lesson at a time: each holds a model in memory."""
        for session in self.ask("GET", "sessions"):
            self.ask("DELETE", f"sessions/{session['id']}")

    def kernel_megabytes(self) -> float:
        """The memory of all kernels, as the system counts it."""
        kernels = psutil.Process(self.server.pid).children(recursive=True)
        return sum(kernel.memory_info().rss for kernel in kernels) / 1e6

    def close(self) -> None:
        self.server.terminate()
        self.server.wait(timeout=30)


def wait_until_idle(page: Page, minutes: float) -> None:
    """Until the kernel has nothing left to do; the status bar may show the same a second time."""
    toolbar = page.locator(".jp-NotebookPanel-toolbar")
    idle = toolbar.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    expect(idle).to_be_visible(timeout=minutes * MINUTES)
    page.wait_for_timeout(1000)  # just started, a kernel is idle for a moment before it is not
    expect(idle).to_be_visible(timeout=minutes * MINUTES)


def wait_for_kernel(page: Page, lab: Lab) -> None:
    """Until the page is connected to a kernel: without one, every cell that is run asks for one."""
    select = page.locator(".jp-Dialog .jp-mod-accept")
    for _ in range(300):
        if any(session["kernel"]["connections"] for session in lab.ask("GET", "sessions")):
            return
        if select.is_visible():
            select.click()  # JupyterLab asks which one to start
        page.wait_for_timeout(200)
    raise TimeoutError("no kernel within a minute")


def run_all(page: Page, lab: Lab) -> None:
    """Run > Run All Cells, when a kernel is there; on one that is busy starting it may be lost."""
    wait_for_kernel(page, lab)
    wait_until_idle(page, 1)
    last = page.locator(".jp-CodeCell .jp-InputPrompt").last
    for attempt in range(10):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        try:
            expect(last).to_have_text("[*]:", timeout=6_000)
            return
        except AssertionError:
            if attempt == 9:
                raise


def report(name: str, took: list[float], moves: str, most: float) -> None:
    """A measurement in milliseconds, printed; a median over `most` is a fault on any machine."""
    usual, slow = quantiles(took, n=20)[9], quantiles(took, n=20)[18]
    FIGURES.append(f"{name}: {len(took)} {moves}, {usual:.1f} ms, 95th percentile {slow:.1f} ms")
    assert usual < most


def keep(shown: Locator, name: str) -> None:
    """A screenshot, where somebody wants to look."""
    if folder := os.environ.get("PREFIXLAB_SCREENSHOTS"):
        shown.scroll_into_view_if_needed()
        shown.screenshot(path=Path(folder) / f"{name}.png")

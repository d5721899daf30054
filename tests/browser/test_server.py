"""The server that the browser tests start runs code: for them alone."""

import urllib.request
from http.cookiejar import CookieJar
from urllib.error import HTTPError

import psutil
import pytest
from lab import Lab


def test_without_the_token_nothing_is_answered(lab: Lab) -> None:
    assert "started" in lab.ask("GET", "status")
    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(f"{lab.address}/api/status", timeout=30)


def test_the_token_is_in_no_list_of_processes(lab: Lab) -> None:
    command = psutil.Process(lab.server.pid).cmdline()
    assert "--no-browser" in command
    assert not any(lab.token in word for word in command)


def test_a_page_of_another_site_cannot_use_the_browsers_cookie(lab: Lab) -> None:
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    browser = urllib.request.build_opener(cookies)
    browser.open(lab.page("elsewhere", ""), timeout=30).close()
    browser.open(f"{lab.address}/api/sessions", timeout=30).close()  # the cookie is let in
    with pytest.raises(HTTPError, match="403"):
        browser.open(f"{lab.address}/api/sessions", data=b"{}", timeout=30)

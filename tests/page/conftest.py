"""A real Chromium, and a server with real weights behind the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.runtime.image_models import clip

from holotype.server.page import FOLDER
from page_site import Site

WAIT_MS = 60_000
"""How long something may take that happens at once on an idle machine."""

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
# What a browser writes to its console about a server that is away or that refuses.
EXPECTED = ("Failed to load resource", "net::ERR_")

NewPage = Callable[..., Page]


def find_chromium() -> str:
    """Return the program that HOLOTYPE_CHROMIUM names, or the machine's."""
    names = (os.environ.get("HOLOTYPE_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    for name in names:
        if name and (found := shutil.which(name)):
            return found
    raise RuntimeError(
        "there is no Chromium for the tests of the page; install it (apt-get install chromium), or "
        "name one in HOLOTYPE_CHROMIUM"
    )


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of the built page."""
    if not (FOLDER / "index.html").is_file():
        pytest.fail("the page is not built; run: make page")
    return FOLDER


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser of its own profile.

    Playwright keeps an event loop running in this thread as long as the browser is open, where other
    tests could not run one of their own.
    """
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, built_page: Path) -> Iterator[Site]:
    """A server that runs; tests leave its first kind as they found it."""
    folder = tmp_path_factory.mktemp("site")
    clip(folder / "pictures")
    # Two of its models fit at a time, and a third does not.
    site = Site(folder, memory="300MiB").make(pictures=folder / "pictures")
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A fresh profile whose pages must write no errors."""
    context = browser.new_context(base_url=site.address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(WAIT_MS)
    problems: list[str] = []

    def listen(page: Page) -> None:
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: (
                problems.append(message.text)
                if message.type == "error" and not message.text.startswith(EXPECTED)
                else None
            ),
        )

    context.on("page", listen)
    yield context
    context.close()
    assert problems == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab."""
    return context.new_page()


@pytest.fixture(scope="session")
def axe() -> str:
    """The program that looks for what people cannot use."""
    folder = Path(__file__).parent.parent.parent / "frontend" / "node_modules" / "axe-core"
    return (folder / "axe.min.js").read_text(encoding="utf-8")

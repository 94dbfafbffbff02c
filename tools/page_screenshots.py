"""Takes the pictures of docs/page.md: a real server with real weights, in a real browser.

    make page
    python tools/page_screenshots.py

It needs Chromium; HOLOTYPE_CHROMIUM names one that is not on the path. The pictures are made with
whatever fonts the machine has: install Inter and JetBrains Mono for those of the page.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from page_site import KIND, MODEL, Site

IMAGES = Path(__file__).parent.parent / "docs" / "images"
_WAIT_MS = 60_000
_SETTLES_MS = 2_000
_QUESTIONS = ("How do I reset my password?", "When are invoices sent?")


def call(site: Site, path: str, body: Any | None = None) -> Any:
    """Call the server as a program does."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(site.address + path, data)  # noqa: S310
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
        return json.load(answer)


def finish(site: Site, job: Any) -> None:
    """Wait for the end of a job."""
    while (found := call(site, f"/api/jobs/{job['id']}"))["state"] in ("queued", "running"):
        time.sleep(0.2)
    if found["state"] != "succeeded":
        raise RuntimeError(f"{found['subject']}: {found['problem']}")


def prepare(site: Site) -> None:
    """Let things happen that are worth a picture: loads, an eviction, switches, measurements."""
    with site.registry() as registry:
        site.register(registry, "v2.1.0", max_length=64)
        site.register(registry, "v1.0.0", "support_search")
        site.register(registry, "v1.0.0", "archive_search", max_length=128)
        registry.activate("support_search", "v1.0.0", actor="bob", reason="")
    versions = [f"{MODEL}/{version}" for version in ("v1.0.0", "v2.0.0", "v2.1.0")]
    for _ in range(2):
        body: Any = {"versions": versions, "n_requests": 40}
        finish(site, call(site, f"/api/models/{KIND}/benchmark", body))
    body = {"reason": "the same vectors, registered by the pipeline"}
    finish(site, call(site, f"/api/models/{KIND}/switch/{MODEL}/v1.1.0", body))
    for name in ("support", "archive", "support"):
        call(site, "/v1/embeddings", {"model": name, "input": list(_QUESTIONS)})
    call(site, "/classify", {"model": "pii", "input": ["Write to jane@example.org."]})
    call(site, "/api/pool/search/pin", {})


def take(browser: Browser, site: Site, name: str, path: str, **how: Any) -> None:
    """Save a picture of a view."""
    full: bool = how.pop("full", False)
    context = browser.new_context(
        base_url=site.address,
        viewport={"width": 1280, "height": 860},
        device_scale_factor=2,
        **how,
    )
    context.set_default_timeout(_WAIT_MS)
    page = context.new_page()
    page.goto(path)
    page.get_by_test_id("live").get_by_text("Live").wait_for()
    page.get_by_role("heading").first.wait_for()
    # The stream of events never ends, so that the network is never idle.
    page.wait_for_timeout(_SETTLES_MS)
    page.screenshot(path=IMAGES / f"{name}.png", full_page=full)
    context.close()


def main() -> int:
    """Make all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("HOLOTYPE_CHROMIUM") or shutil.which("chromium")
    compared = ",".join(f"{MODEL}/{version}" for version in ("v1.0.0", "v2.0.0", "v2.1.0"))
    compare = f"/compare?kind={KIND}&versions={compared}"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder), memory="300MiB").make()
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            site.start()
            prepare(site)
            take(browser, site, "overview", "/")
            take(browser, site, "pool", "/pool")
            take(browser, site, "switch", f"/models/{KIND}?switch={MODEL}/v2.0.0")
            take(browser, site, "compare", compare, full=True)
            take(browser, site, "compare-dark", compare, color_scheme="dark")
        finally:
            browser.close()
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

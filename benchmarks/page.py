"""How soon the page can be used, with a registry of 10,000 versions, in a real Chromium.

Each turn is a browser profile of its own, so that nothing is cached: from the start of the
navigation until the view shows what was asked for and the main thread is free to answer a click.
The server runs on this machine, with the real weights of all-MiniLM-L6-v2.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from holotype.registry import Database, upgrade
from registry import fill
from report import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from page_site import KIND, MODEL, Site

N_VERSIONS = 10_000
N_MODELS = 500
N_TURNS = 7
_AIM = "<= 1.0 s"
_WAIT_MS = 60_000
_VIEWS = {
    "the overview": ("/", "main h1"),
    "the models": ("/models", f"main a[href*='{KIND}']"),
    "a kind with its versions": (f"/models/{KIND}", "main table tbody tr"),
    "the catalogue": ("/catalogue", "main table tbody tr"),
    "the pool": ("/pool", "main table tbody tr"),
}
"""Views by what they are: where they are, and what they show when they can be used."""
_FREE = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))"


def table(n_versions: int = N_VERSIONS) -> Table:
    """Measure each view."""
    chromium = os.environ.get("HOLOTYPE_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder))
        with Database(site.database) as database:
            upgrade(database)
            fill(database, n_versions, n_models=N_MODELS)
        site.make()
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            site.start()
            rows = [[name, *_measure(browser, site, *view)] for name, view in _VIEWS.items()]
        finally:
            browser.close()
            site.stop()
    notes = [
        f"{n_versions:,} versions of {N_MODELS} models beside {MODEL}, which serves; the least of "
        f"{N_TURNS} turns (their median). Rows are those that the browser holds of the table."
    ]
    return Table("Page", ["view", "until it can be used", "rows", "aim"], rows, notes)


def _measure(browser: Browser, site: Site, path: str, shown: str) -> list[str]:
    times: list[float] = []
    n_rows = 0
    for _ in range(N_TURNS):
        context = browser.new_context(base_url=site.address)
        page = context.new_page()
        page.goto(path, wait_until="commit")
        page.wait_for_selector(shown, timeout=_WAIT_MS)
        page.evaluate(_FREE)
        times.append(float(page.evaluate("() => performance.now()")) / 1000)
        n_rows = page.locator("main table tbody tr").count()
        context.close()
    return [f"{min(times):.2f} s ({statistics.median(times):.2f} s)", str(n_rows), _AIM]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=N_VERSIONS)
    print(table(parser.parse_args().versions).markdown())

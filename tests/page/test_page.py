"""What somebody does with the page, in a real browser against a real server."""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from tests.page.conftest import WAIT_MS
from tests.pictures import encoded, photograph

from page_site import KIND, MODEL, Site

VIEWS = (
    *("/", "/pool", "/models", f"/models/{KIND}", f"/models/{KIND}?tab=history", "/register"),
    *(f"/compare?kind={KIND}&versions={MODEL}/v1.0.0,{MODEL}/v1.1.0", "/benchmarks", "/try"),
    *("/try?task=pictures", "/activity", "/catalogue", "/catalogue/bge-m3", "/keys", "/nowhere"),
)


def ask(site: Site, path: str, body: Any = None, method: str | None = None) -> Any:
    """Call the server as a program does."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(site.address + path, data, method=method)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer), answer.headers


def open_view(page: Page, path: str) -> None:
    """Go to a view and wait until it hears the server."""
    page.goto(path)
    expect(page.get_by_test_id("live")).to_have_text("Live")


def mark(page: Page) -> None:
    """Leave something in the tab that loading the page again would delete."""
    page.evaluate("window.wasNotLoadedAgain = true")


def was_not_loaded_again(page: Page) -> bool:
    return bool(page.evaluate("window.wasNotLoadedAgain === true"))


def active_version(page: Page) -> Locator:
    return page.get_by_test_id("active-version")


def row(page: Page, name: str) -> Locator:
    return page.locator(f"tr[data-name={name}]")


def new_kind(site: Site, kind: str, *versions: tuple[str, dict[str, Any]]) -> None:
    """Register versions of a kind that no other test uses, and activate the first."""
    with site.registry() as registry:
        for version, options in versions:
            site.register(registry, version, kind, **options)
        registry.activate(kind, versions[0][0], actor="bob", reason="")


def test_a_version_is_checked_and_then_registered(page: Page, site: Site) -> None:
    open_view(page, "/register")
    page.get_by_label("Kind").fill("registered_here")
    page.get_by_label("Reference").fill(f"local:{site.folder / 'none'}")
    page.get_by_label("Version").fill("v1")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_label("Reference")).to_have_attribute("aria-invalid", "true")

    page.get_by_label("Reference").fill(f"local:{site.artifact}")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("It can be registered")).to_be_visible()
    page.get_by_role("button", name="Register", exact=True).click()
    page.get_by_role("link", name="To its kind").click()
    expect(page.get_by_role("button", name=f"{MODEL}/v1", exact=True)).to_be_visible()
    with site.registry() as registry:
        assert registry.get("registered_here", "v1").name == f"{MODEL}/v1"


def test_two_versions_are_benchmarked_and_compared(page: Page) -> None:
    open_view(page, f"/benchmarks?kind={KIND}")
    for version in ("v1.0.0", "v2.0.0"):
        page.get_by_label(f"{MODEL}/{version}", exact=True).check()
    page.get_by_role("button", name="Run the benchmark").click()
    page.get_by_role("link", name="Compare them").click(timeout=5 * WAIT_MS)

    expect(page.get_by_role("heading", name="Compare 2 versions")).to_be_visible()
    expect(page.locator("svg.recharts-surface").first).to_be_visible()
    table = page.get_by_role("table")
    expect(table).to_contain_text("Latency, 50th percentile")
    expect(table).to_contain_text(re.compile(r"[+−]\d.*(better|worse|unclear)"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    assert "latency_p50" in download.value.path().read_text(encoding="utf-8")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("Save .* as PNG")).first.click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")

    page.reload()
    expect(page.get_by_role("heading", name="Compare 2 versions")).to_be_visible()
    page.get_by_role("button", name="Present").click()
    expect(page.get_by_role("navigation", name="Views")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()


class Load(threading.Thread):
    """A client that asks without a pause, and writes down what fails and which versions answer."""

    def __init__(self, site: Site) -> None:
        """Ask nothing yet."""
        super().__init__(daemon=True)
        self.failures: list[str] = []
        self.versions: list[str] = []
        self._site = site
        self._ends = threading.Event()

    def run(self) -> None:
        while not self._ends.is_set():
            try:
                _, headers = ask(
                    self._site, "/v1/embeddings", {"model": "search", "input": ["a text"]}
                )
                self.versions.append(headers["x-holotype-version"])
            except Exception as error:
                self.failures.append(repr(error))

    def end(self) -> None:
        self._ends.set()
        self.join(60)


def test_a_switch_under_load_is_seen_in_another_tab_and_undone_by_a_click(
    page: Page, context: BrowserContext, site: Site
) -> None:
    other = context.new_page()
    open_view(page, f"/models/{KIND}")
    streams: list[str] = []
    other.on(
        "request",
        lambda request: streams.append(request.url) if "/api/events" in request.url else None,
    )
    open_view(other, f"/models/{KIND}")
    mark(other)
    expect(active_version(other)).to_contain_text(f"{MODEL}/v1.0.0")
    load = Load(site)
    load.start()
    try:
        page.get_by_role("button", name=f"Switch to {MODEL}/v1.1.0").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Follows this kind: search")
        dialog.get_by_label("Reason").fill("tests of the page")
        dialog.get_by_role("button", name="Switch", exact=True).click()
        expect(dialog.get_by_role("heading", name=f"{MODEL}/v1.1.0 serves")).to_be_visible()
        dialog.get_by_role("button", name="Close").last.click()
        for tab in (page, other):
            expect(active_version(tab)).to_contain_text(f"{MODEL}/v1.1.0")
        expect(active_version(other)).to_contain_text("tests of the page")

        page.get_by_role("button", name="Roll back").click()
        for tab in (page, other):
            expect(active_version(tab)).to_contain_text(f"{MODEL}/v1.0.0")
    finally:
        load.end()
    assert load.failures == []
    assert {f"{MODEL}/v1.0.0", f"{MODEL}/v1.1.0"} <= set(load.versions)
    assert was_not_loaded_again(other)
    assert streams == [], "both tabs share the stream of the first"
    other.get_by_role("button", name="History").click()
    expect(other.get_by_text("rolled back to").first).to_be_visible()


def test_the_second_tab_goes_on_when_the_first_is_closed(
    page: Page, context: BrowserContext, site: Site
) -> None:
    other = context.new_page()
    open_view(page, "/pool")
    open_view(other, "/pool")
    mark(other)
    page.close()
    expect(other.get_by_test_id("live")).to_have_text("Live")
    expect(row(other, "pii")).to_be_visible()
    ask(site, "/api/pool/pii/pin", {}, "POST")
    expect(row(other, "pii")).to_contain_text("pinned")
    ask(site, "/api/pool/pii/unpin", {}, "POST")
    assert was_not_loaded_again(other)


def test_other_vectors_need_the_name_of_the_version_typed(page: Page, site: Site) -> None:
    new_kind(site, "other_vectors", ("v1", {}), ("v2", {"max_length": 64}))
    open_view(page, f"/models/other_vectors?switch={MODEL}/v2")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("your index must be rebuilt")
    button = dialog.get_by_role("button", name="Switch", exact=True)
    expect(button).to_be_disabled()
    dialog.get_by_label(f"Type {MODEL}/v2 to confirm").fill(f"{MODEL}/v1")
    expect(button).to_be_disabled()
    dialog.get_by_label(f"Type {MODEL}/v2 to confirm").fill(f"{MODEL}/v2")
    button.click()
    expect(dialog.get_by_role("heading", name=f"{MODEL}/v2 serves")).to_be_visible()
    # The job stands in the address, so that it survives loading the page again.
    page.reload()
    expect(dialog.get_by_role("heading", name=f"{MODEL}/v2 serves")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()

    page.get_by_role("button", name="Roll back").click()
    dialog.get_by_label(f"Type {MODEL}/v1 to confirm").fill(f"{MODEL}/v1")
    dialog.get_by_role("button", name="Roll back").click()
    expect(active_version(page)).to_contain_text(f"{MODEL}/v1")
    expect(active_version(page)).to_contain_text("reached by a rollback")


def test_a_switch_that_fails_says_why_and_changes_nothing(page: Page, site: Site) -> None:
    new_kind(site, "damaged", ("v1", {}))
    site.register_damaged("v2", "damaged")
    open_view(page, "/models/damaged")
    page.get_by_role("button", name=f"Switch to {MODEL}/v2").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Switch", exact=True).click()
    expect(dialog.get_by_role("heading", name=f"{MODEL}/v2 does not serve")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_contain_text("model.safetensors")
    expect(dialog).to_contain_text("What was active before is still active.")
    dialog.get_by_role("button", name="Close").last.click()
    expect(active_version(page)).to_contain_text(f"{MODEL}/v1")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("list", name="Alarms")).to_contain_text("failed in the last hour")


def test_models_are_planned_loaded_evicted_and_unloaded(page: Page, site: Site) -> None:
    for name in ("support", "archive"):
        ask(site, f"/api/pool/{name}/unload", {}, "POST")
    open_view(page, "/pool")
    expect(row(page, "support")).to_contain_text("Not loaded")
    page.get_by_role("button", name="Load support").click()
    expect(row(page, "support")).to_contain_text("Ready")
    expect(page.get_by_role("region", name="Memory of cpu")).to_contain_text("support")
    # Whatever ran before, two are loaded, and there is no room for a third.
    ask(site, "/api/pool/search/load", {}, "POST")
    expect(row(page, "search")).to_contain_text("Ready")

    page.get_by_role("button", name=re.compile("Plan archive")).click()
    expect(page.get_by_role("dialog")).to_contain_text("Fits after unloading")
    page.get_by_role("dialog").get_by_role("button", name="Load", exact=True).click()
    expect(row(page, "archive")).to_contain_text("Ready")
    page.get_by_role("button", name="Evictions").click()
    events = page.get_by_role("region", name="Events")
    expect(events).to_contain_text("was evicted to make room for archive")

    page.get_by_role("button", name="Unload archive").click()
    expect(row(page, "archive")).to_contain_text("Not loaded")
    assert "events=evictions" in page.url


def test_a_load_that_is_refused_says_why(page: Page) -> None:
    open_view(page, "/pool")
    page.get_by_role("button", name="Load tickets").click()
    expect(page.get_by_role("dialog")).to_contain_text("no-such-model")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_name_is_tried_beside_another(page: Page) -> None:
    open_view(page, "/try?a=search&b=support")
    page.get_by_role("button", name="Ask").click()
    for name in ("search", "support"):
        answer = page.get_by_role("region", name=f"Answer of {name}")
        expect(answer.get_by_role("listitem").first).to_contain_text("choose a new passphrase")
    page.get_by_role("button", name="Classify").click()
    page.get_by_label("Name").select_option("pii")
    page.get_by_label("Beside it").select_option("")
    page.get_by_label("Text").fill("Write to jane@example.org.")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("region", name="Answer of pii")).to_contain_text("email")


def test_pictures_are_chosen_dropped_and_searched(page: Page) -> None:
    files: list[Any] = [
        {"name": f"{at}.png", "mimeType": "image/png", "buffer": encoded(photograph(seed=at))}
        for at in range(2)
    ]
    open_view(page, "/try?task=pictures&a=pictures&b=search")
    expect(page.get_by_role("button", name="Ask")).to_be_disabled()
    page.get_by_label("Pictures", exact=True).set_input_files(files)
    expect(page.get_by_role("img", name="1.png")).to_be_visible()
    page.get_by_label("Query").fill("a cat")
    page.get_by_role("button", name="Ask").click()
    answer = page.get_by_role("region", name="Answer of pictures")
    expect(answer.get_by_role("listitem")).to_have_count(2)
    expect(answer.locator("img").first).to_have_js_property("naturalWidth", 80)
    # A name whose model reads texts only is not offered; what tickets will be is not known yet.
    expect(page.get_by_label("Name").locator("option")).to_have_text(["pictures", "tickets"])
    expect(page.get_by_role("region", name="Answer of search")).to_have_count(0)

    drop = """([content, name]) => {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], name, { type: "image/jpeg" }));
        const zone = document.querySelector(".dropzone");
        zone.dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: data }));
    }"""
    content = base64.b64encode(encoded(photograph(seed=3), "JPEG")).decode()
    page.evaluate(drop, [content, "dropped.jpg"])
    page.get_by_role("button", name="Remove 0.png").click()
    page.get_by_label("Beside it").select_option("")
    page.get_by_role("button", name="Ask").click()
    expect(answer).to_contain_text("dropped.jpg")
    expect(answer.get_by_role("listitem")).to_have_count(2)
    expect(answer).not_to_contain_text("0.png")


def test_the_catalogue_is_searched_and_its_filters_live_in_the_address(page: Page) -> None:
    open_view(page, "/catalogue")
    expect(page.get_by_role("status").last).to_have_text(re.compile(r"^\d{3} models$"))
    assert page.locator("tbody tr").count() < 100
    page.get_by_role("searchbox", name="Search").fill("bge-m3")
    page.get_by_label("Type").select_option("dense")
    expect(page).to_have_url(re.compile(r"q=bge-m3&type=dense"))
    page.get_by_role("link", name="bge-m3", exact=True).click()
    expect(page.get_by_role("table")).to_contain_text("FlagOpen/FlagEmbedding")
    page.go_back()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("bge-m3")
    page.get_by_role("link", name="bge-m3", exact=True).click()
    page.get_by_role("link", name="Register a version of it").click()
    expect(page.get_by_label("Reference")).to_have_value("catalogue:bge-m3")


def test_a_server_that_is_away_is_said_and_its_return_noticed(page: Page, site: Site) -> None:
    open_view(page, "/pool")
    mark(page)
    expect(row(page, "search")).to_be_visible()
    try:
        site.stop()
        expect(page.get_by_text("The server does not answer.")).to_be_visible()
        expect(row(page, "search")).to_be_visible()
    finally:
        site.start()
    expect(page.get_by_text("The server does not answer.")).to_be_hidden()
    expect(page.get_by_test_id("live")).to_have_text("Live")
    assert was_not_loaded_again(page)


def test_a_server_with_keys_asks_for_one(page: Page, site: Site) -> None:
    site.stop()
    try:
        site.start(HOLOTYPE_API_KEY="the-operators-key")
        page.goto("/keys")
        page.get_by_label("Key", exact=True).fill("wrong")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_text("was not accepted")).to_be_visible()
        page.get_by_label("Key", exact=True).fill("the-operators-key")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_test_id("live")).to_have_text("Live")

        page.get_by_role("button", name="Make a key").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("search-service")
        dialog.get_by_role("button", name="Make the key").click()
        expect(dialog.get_by_test_id("new-key")).to_have_text(re.compile(r"\S{20,}"))
        dialog.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Revoke search-service").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
        expect(page.get_by_role("table")).to_contain_text("revoked")
    finally:
        site.stop()
        site.start()


def test_the_keyboard_is_enough(page: Page) -> None:
    open_view(page, "/models")
    expect(page.get_by_role("link", name="Text embedding")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Text embedding":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Text embedding")
    expect(page.get_by_role("main")).to_be_focused()

    switch = page.get_by_role("button", name=f"Switch to {MODEL}/v1.1.0")
    switch.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_be_focused()
    expect(dialog.get_by_label("Reason")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(switch).to_be_focused()


def test_a_narrow_screen_shows_everything(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for path in VIEWS:
        open_narrow(page, path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} pixels wide"
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Pool").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pool")
    expect(page.get_by_role("link", name="Activity")).to_be_hidden()


def open_narrow(page: Page, path: str) -> None:
    """Go to a view; the state of the connection is in the menu, which is closed."""
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("load")


def test_dark_mode_follows_the_system_until_somebody_chooses(page: Page) -> None:
    def brightness() -> int:
        colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    page.emulate_media(color_scheme="dark")
    open_view(page, "/")
    assert brightness() < 150
    page.get_by_role("button", name="Colours: system. Change to light.").click()
    assert brightness() > 600
    page.reload()
    expect(page.get_by_role("button", name="Colours: light. Change to dark.")).to_be_visible()
    assert brightness() > 600


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, axe: str, scheme: Any) -> None:
    # Half of the way between two colours, neither has its contrast.
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for path in (*VIEWS, f"/models/{KIND}?switch={MODEL}/v2.0.0"):
        open_view(page, path)
        expect(page.get_by_role("heading").first).to_be_visible()
        if "switch=" in path:
            expect(page.get_by_role("dialog")).to_contain_text("your index must be rebuilt")
        page.evaluate(axe)
        found = page.evaluate("async () => (await axe.run()).violations")
        told = [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
            for each in found
            for node in each["nodes"]
        ]
        assert told == [], path

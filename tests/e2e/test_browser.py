"""A person with a browser: headless Chromium against a real node.

Pictures of every page are left in ``var/screenshots`` to be looked at.
"""

import shutil
from pathlib import Path

import pytest
from nodes import copy_film
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.servers import require

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PASSWORD = "a long password"
SUBTITLES = "1\n00:00:00,000 --> 00:00:04,000\nGuten Tag\n"
HOSTILE = "<img src=x onerror=alert(1)>'\"&amp;"
PICTURES = Path(__file__).parents[2] / "var" / "screenshots"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
VIEWER_PAGES = {
    "home": "/",
    "library": "/library",
    "library-empty": "/library?year=1900",
    "library-narrowed": "/library?genre=Drama&min_rating=7",
    "series": "/series",
    "search": "/search?q=film",
    "search-nothing": "/search?q=zebra",
    "account": "/account",
}
ADMIN_PAGES = {
    name: f"/admin/{name}"
    for name in (
        "", "locations", "locations/new", "libraries", "people", "people/new", "keys", "keys/new",
        "connections", "connections/new", "jobs", "audit", "settings",
    )
}  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    require("chromium", lambda: Path(CHROMIUM).stat())
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def node(make_node, film, tmp_path_factory):
    films = tmp_path_factory.mktemp("films")
    for number in range(1, 71):
        name = f"Film {number:03} ({1950 + number})"
        copy_film(film, films / f"{name}.mp4", mark=name.encode())
    copy_film(film, films / f"{HOSTILE}.mp4".replace("/", ""), mark=b"hostile")
    (films / "Rails").mkdir()
    for number in (1, 2):
        name = f"Rails S01E{number:02}"
        copy_film(film, films / "Rails" / f"{name}.mp4", mark=name.encode())
    (films / "Film 001 (1951).de.srt").write_text(SUBTITLES)
    made = make_node("cinema")
    made.add_admin(PASSWORD)
    made.add_library("Films", films)
    made.films = films
    made.start()
    return made


@pytest.fixture
def visit(browser, node):
    """Open pages as a signed-in admin; scripts that complain and dialogs fail the test."""
    contexts, complaints = [], []

    def start(width=1280, height=800, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda line: complaints.append(line.text) if "Security Policy" in line.text else None,
        )
        page.goto(f"{node.url}/sign-in")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"{node.url}/")
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def open_work(page, node, title):
    page.goto(f"{node.url}/search?q={title}")
    page.locator("a[href^='/work/']", has_text=title).first.click()
    page.wait_for_url("**/work/*")


def open_player(page, node, title="Film 001"):
    open_work(page, node, title)
    page.goto(node.url + page.get_attribute("a[href^='/watch/']", "href"))
    page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    return page.locator("video")


def pages_of_things(page, node):
    """Return the paths of pages that show one thing of this node."""
    open_work(page, node, "Film 005")
    work = page.url.rpartition("/")[2]
    page.goto(f"{node.url}/series")
    series = page.get_attribute("a[href^='/series/']", "href")
    page.goto(f"{node.url}/admin/locations")
    place = page.get_attribute("main a[href^='/admin/locations/']:not([href$='new'])", "href")
    return {
        "work": f"/work/{work}",
        "series-one": series,
        "edit": f"/admin/works/{work}/edit",
        "edit-series": f"/admin{series}/edit",
        "merge": f"/admin/works/{work}/merge?q=film",
        "location": place,
        "location-edit": f"{place}/edit",
        "location-new-s3": "/admin/locations/new?type=s3",
        "removal": f"{place}/removal",
    }


def position(page):
    return page.evaluate("document.querySelector('video').currentTime")


def test_a_film_plays_seeks_and_resumes(visit, node):
    page = visit()
    open_player(page, node)
    page.evaluate("document.querySelector('video').muted = true")
    page.evaluate("document.querySelector('video').play()")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.3")

    page.evaluate("document.querySelector('video').currentTime = 2.2")
    page.wait_for_function("() => !document.querySelector('video').seeking")
    assert position(page) >= 2.2
    with page.expect_response("**/progress") as saved:
        page.evaluate("document.querySelector('video').pause()")
    assert saved.value.ok
    left_at = position(page)

    page.goto(f"{node.url}/")
    assert page.locator("text=Continue watching").is_visible()
    open_player(page, node)
    page.wait_for_function(f"() => document.querySelector('video').currentTime >= {left_at} - 0.6")


def test_a_film_plays_without_scripts(visit, node):
    page = visit(java_script_enabled=False)
    open_work(page, node, "Film 002")
    page.goto(node.url + page.get_attribute("a[href^='/watch/']", "href"))
    source = page.get_attribute("video", "src").partition("#")[0]
    answer = page.request.get(node.url + source, headers={"Range": "bytes=0-99"})
    assert answer.status == 206
    assert len(answer.body()) == 100
    page.goto(f"{node.url}/admin/locations")
    page.click("button:has-text('Scan')")
    page.wait_for_load_state()
    assert "/admin/" in page.url


def test_the_keyboard_alone_leads_to_a_playing_film(visit, node):
    page = visit()
    page.keyboard.press("/")
    page.keyboard.type("Film 003")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
    page.locator("a[href^='/work/']").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/*")
    page.locator("a[href^='/watch/']").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/watch/*")
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    page.evaluate("document.querySelector('video').pause()")
    page.keyboard.press("5")
    page.wait_for_function("() => Math.abs(document.querySelector('video').currentTime - 2) < 0.2")
    page.keyboard.press("m")
    assert page.evaluate("document.querySelector('video').muted")


def test_a_running_scan_moves_without_a_reload(visit, node, film):
    for number in range(300):
        copy_film(film, node.films / f"Late {number:03}.mp4", mark=f"late {number}".encode())
    page = visit()
    page.goto(f"{node.url}/admin/locations")
    page.click("button:has-text('Scan')")
    page.wait_for_selector("[data-live]")
    page.evaluate("window.stayed = true")
    page.wait_for_selector("[data-live] [data-over]", timeout=60_000, state="attached")
    assert page.evaluate("window.stayed")
    assert page.locator("text=300").first.is_visible()


def test_a_film_is_edited_merged_and_apart_again_without_scripts(visit, node):
    page = visit(java_script_enabled=False)
    open_work(page, node, "Film 010")
    page.click("a:has-text('Edit')")
    page.fill("#title", "Film 010, restored")
    page.fill("#year", "last year")
    page.click("main form.form button")
    assert page.input_value("#title") == "Film 010, restored"
    assert page.locator("#year-wrong").is_visible()
    page.fill("#year", "1961")
    page.click("main form.form button")
    page.wait_for_url("**/work/*")
    assert page.locator("h1").inner_text() == "Film 010, restored"

    page.click("a:has-text('Edit')")
    page.click("a:has-text('Merge into another')")
    page.fill("#q", "Film 011")
    page.click("main form button:has-text('Search')")
    page.click("a:has-text('Choose')")
    page.click("button:has-text('Merge the two')")
    page.wait_for_url("**/work/*")
    assert page.locator("h1").inner_text() == "Film 011"
    assert page.locator("text=Film 010 (1960).mp4").is_visible()
    page.click("a:has-text('Edit')")
    page.click("button:has-text('Undo')")
    page.goto(f"{node.url}/search?q=restored")
    assert page.locator("a[href^='/work/']").count() == 1


def test_a_film_is_edited_with_the_keyboard_alone(visit, node):
    page = visit()
    open_work(page, node, "Film 013")
    page.click("a:has-text('Edit')")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "director":
            break
    page.keyboard.type("Somebody")
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/*")
    assert page.locator(".facts:has-text('Somebody')").is_visible()


def test_a_poster_is_sent_by_a_form(visit, node, tmp_path):
    picture = tmp_path / "poster.png"
    Image.effect_noise((1200, 1800), 90).save(picture)
    assert picture.stat().st_size > 1024 * 1024
    page = visit()
    open_work(page, node, "Film 012")
    page.click("a:has-text('Edit')")
    page.set_input_files("#picture", picture)
    page.click("button:has-text('Use this picture')")
    page.wait_for_selector(".poster img")
    loaded = "() => document.querySelector('.poster img').naturalWidth"
    page.wait_for_function(loaded)
    assert page.evaluate(loaded) == 1000


def test_subtitles_are_shown_by_a_key(visit, node):
    page = visit()
    open_player(page, node, "Film 001")
    page.keyboard.press("c")
    words = "() => document.querySelector('video').textTracks[0].cues?.[0]?.text"
    page.wait_for_function(words)
    assert page.evaluate(words) == "Guten Tag"
    page.keyboard.press("c")
    assert page.evaluate("document.querySelector('video').textTracks[0].mode") == "disabled"


def test_the_next_episode_is_a_key_away(visit, node):
    page = visit()
    page.goto(f"{node.url}/series")
    page.click("a[href^='/series/']")
    page.click("a.episode")
    page.goto(node.url + page.get_attribute("a[href^='/watch/']", "href"))
    first = page.url
    page.keyboard.press("n")
    page.wait_for_url(lambda url: "/watch/" in url and url != first)
    assert "S01E02" in page.locator("h1").inner_text()


def test_the_time_line_shows_where_it_leads(visit, node):
    page = visit()
    for _ in range(60):  # the pictures are made by a job
        open_player(page, node, "Film 020")
        if page.locator("[data-storyboard]").count():
            break
        page.wait_for_timeout(500)
    page.wait_for_selector("#scrub:not([hidden])")
    box = page.locator("#seek").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    assert page.locator("#scrub-time").inner_text() == "0:03"
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.wait_for_function("() => Math.abs(document.querySelector('video').currentTime - 2) < 0.3")


def test_arrows_and_enter_are_enough_to_choose_a_film(visit, node):
    page = visit()
    page.goto(f"{node.url}/library")
    titles = page.locator(".card-title").all_inner_texts()
    page.keyboard.press("ArrowDown")
    focused = "document.activeElement.querySelector('.card-title').innerText"
    assert page.evaluate(focused) == titles[0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == titles[1]
    page.keyboard.press("ArrowDown")
    below = titles.index(page.evaluate(focused))
    assert below > 2
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused) == titles[1]
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/*")
    assert page.locator("h1").inner_text() == titles[1]


def test_the_player_says_why_a_film_does_not_play_and_tries_again(visit, node):
    page = visit()
    path = next(node.films.glob("Film 060*"))
    hidden = path.rename(path.with_suffix(".away"))
    open_work(page, node, "Film 060")
    page.goto(node.url + page.get_attribute("a[href^='/watch/']", "href"))
    page.wait_for_selector("#failure:not([hidden])")
    assert "no longer there" in page.inner_text("#failure-text")
    hidden.rename(path)
    page.click("#again")
    page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    assert page.locator("#failure").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_the_accessibility_checks(visit, node, scheme):
    script = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
    require("axe", script.stat)  # npm install --no-save --prefix tests/e2e axe-core
    page, found = visit(color_scheme=scheme), {}
    for path in (VIEWER_PAGES | ADMIN_PAGES | pages_of_things(page, node)).values():
        page.goto(node.url + path)
        page.evaluate(script.read_text())  # by the debugger, which the page's rules do not bind
        levels = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
        answer = page.evaluate("levels => axe.run(document, {runOnly: levels})", levels)
        faults = [(fault["id"], fault["nodes"][0]["target"]) for fault in answer["violations"]]
        if faults:
            found[path] = faults
    assert found == {}


def test_hostile_titles_stay_text(visit, node):
    page = visit()
    page.goto(f"{node.url}/search?q=onerror")
    assert page.locator("text=onerror").count() >= 1
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    page.goto(node.url + page.get_attribute("a[href^='/work/']", "href"))
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_every_page_fits_and_is_pictured(visit, node, width, scheme):
    page = visit(width, 844 if width == 390 else 1000, color_scheme=scheme)
    folder = PICTURES / f"{width}-{scheme}"
    folder.mkdir(parents=True, exist_ok=True)
    too_wide = []
    for name, path in (VIEWER_PAGES | ADMIN_PAGES | pages_of_things(page, node)).items():
        answer = page.goto(node.url + path)
        assert answer.status == 200, path
        kept = name.replace("/", "-") or "overview"
        page.screenshot(path=folder / f"{kept}.png")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(path)
    open_player(page, node, "Film 004")
    page.screenshot(path=folder / "watch.png")
    assert too_wide == []


def test_the_sign_in_page_is_pictured(browser, node):
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{node.url}/sign-in")
        (PICTURES / scheme).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / scheme / "sign-in.png")
        page.fill("[name=username]", "nobody")
        page.fill("[name=password]", "wrong wrong")
        page.press("[name=password]", "Enter")
        page.wait_for_selector("text=wrong")
        page.screenshot(path=PICTURES / scheme / "sign-in-refused.png")
        context.close()

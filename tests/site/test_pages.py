"""Every page: quiet, closed to other hosts, whole, light, and none too wide."""

import re
import runpy
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from built import HOME, LESSONS, PAGES, SITE, every_lesson, every_page
from PIL import Image

from course_tools.lessons.notebooks import find_lessons

TERMS = runpy.run_path(str(HOME / "site" / "terms.py"))["TERMS"]
SCROLLED = """async () => {
    for (let y = 0; y < document.documentElement.scrollHeight; y += 700) {
        scrollTo(0, y); await new Promise(done => setTimeout(done, 20));
    }
    await Promise.all([...document.images].map(image => image.decode()));
}"""


def soup(name):
    return BeautifulSoup((SITE / name).read_text("utf-8"), "html.parser")


def test_the_site_has_its_pages():
    beside = {"index", "learn", "teach", "true", "glossary", "figures", "search"}
    assert set(PAGES) == {*LESSONS, *(f"{name}.html" for name in beside)}


@every_page
def test_it_opens_from_a_folder_asks_nobody_and_is_not_too_wide(name, opened):
    page = opened(name)
    page.evaluate(SCROLLED)
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert all(width > 0 for width in widths)
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@every_page
def test_its_policy_stands_first_and_names_no_host(name):
    metas = soup(name).head.find_all("meta")
    assert metas[0].has_attr("charset")
    assert metas[1]["http-equiv"] == "Content-Security-Policy"
    policy = metas[1]["content"]
    assert policy.startswith("default-src 'none'; ")
    allowed = {word for part in policy.split("; ") for word in part.split(" ")[1:]}
    assert {word for word in allowed if not re.fullmatch(
        r"'(self|none|unsafe-inline|wasm-unsafe-eval|sha256-[\w+/=]+)'|file:|data:|blob:", word)
    } == set()
    assert "'unsafe-inline'" not in re.search(r"script-src ([^;]+)", policy)[1]


def test_the_policy_holds(chromium, server):
    page = chromium.new_page()
    page.goto(f"{server}index.html")
    refused = page.evaluate("""() => new Promise(done => {
        document.addEventListener("securitypolicyviolation", event => done(event.blockedURI));
        const image = new Image(); image.src = "https://example.org/spy.png";
    })""")
    page.close()
    assert refused == "https://example.org/spy.png"


@every_page
def test_every_link_and_anchor_inside_resolves(name):
    page, anchors = soup(name), {}
    for link in page.find_all(["a", "link", "script", "img"]):
        target = link.get("href") or link.get("src") or "#"
        if re.match(r"(https?|data|mailto):", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        file = (file or name).partition("?")[0]
        assert (SITE / file).is_file(), target
        if anchor and file.endswith(".html"):
            if file not in anchors:
                anchors[file] = {tag["id"] for tag in soup(file).find_all(id=True)}
            assert anchor in anchors[file], target


@every_page
def test_no_anchor_is_given_twice(name):
    counted = Counter(tag["id"] for tag in soup(name).find_all(id=True))
    assert [anchor for anchor, times in counted.items() if times > 1] == []


def stored_alternatives(path):
    """Return the text alternatives of a lesson's pictures, as its notebook stores them."""
    html = [output.get("data", {}).get("text/html", "")
            for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
            for output in cell.outputs]
    return Counter(image["alt"] for text in html
                   for image in BeautifulSoup(text, "html.parser").find_all("img"))


@pytest.mark.parametrize("path", find_lessons(), ids=lambda path: path.stem)
def test_each_picture_is_there_once_with_its_alternative(path):
    images = soup(f"{path.stem}.html").find_all("img")
    assert Counter(image["alt"] for image in images) == stored_alternatives(path)
    assert len({image["src"] for image in images}) == len(images)
    for image in images:
        assert re.fullmatch(r"pictures/\d\d-\d+\.png", image["src"])
        assert image["loading"] == "lazy"
        assert image["width"]
        assert image["height"]


@every_page
def test_no_picture_is_carried_inside_the_page(name):
    assert "base64," not in (SITE / name).read_text("utf-8").partition("<body")[2]


@every_lesson
def test_what_a_lesson_loads_is_little(name, opened, server):
    """The first lesson loads 3 MB at most, each other 6, all its pictures seen."""
    context = opened(name, base=server)
    loaded = context.evaluate(f"""async () => {{
        await ({SCROLLED})();
        return performance.getEntriesByType("resource").map(one => [one.name, one.decodedBodySize])
    }}""")
    own = (SITE / name).stat().st_size
    size = own + sum(size for _, size in loaded)
    assert size <= (3e6 if name == LESSONS[0] else 6e6)
    assert len(loaded) > 5


def test_pictures_load_as_they_come_into_view(opened, server):
    page = opened("02_weights_and_masks.html", base=server)
    page.wait_for_load_state("networkidle")
    names = "performance.getEntriesByType('resource').map(one => one.name)"
    before, _, after = (page.evaluate(ask) for ask in (names, SCROLLED, names))
    loaded = [sum(name.endswith(".png") for name in each) for each in (before, after)]
    assert loaded[0] < loaded[1] == len(soup("02_weights_and_masks.html").find_all("img"))


def test_every_figure_is_in_the_index():
    listed = {link["href"] for link in soup("figures.html").article.find_all("a")
              if "#figure-" in link["href"]}
    assert listed == {f"{name}#{figure['id']}" for name in LESSONS
                      for figure in soup(name).find_all("figure", id=True)}


def test_the_table_of_the_lessons_is_readmes():
    readme = Path(SITE.parent.parent / "README.md").read_text("utf-8")
    rows = [[cell.get_text() for cell in row.find_all("td")]
            for row in soup("index.html").table.find_all("tr")[1:]]
    assert len(rows) == len(LESSONS)
    for lesson, question, minutes, seconds in rows:
        assert re.search(rf"^\| \[{lesson}\]\(.*\) \| {re.escape(question)} \| {minutes} \| "
                         rf"{seconds} \|$", readme, re.MULTILINE)


def test_formulas_need_neither_scripts_nor_fonts():
    formulas = soup("glossary.html").find_all("math")
    assert len(formulas) >= 4
    assert any(formula.mfrac for formula in formulas)


@every_page
def test_a_page_waits_for_one_stylesheet_and_one_small_script(name):
    head = soup(name).head
    assert [link["href"] for link in head.find_all("link", rel="stylesheet")] == [
        "_static/styles/site.css"]
    waited_for = [script["src"].partition("?")[0] for script in head.find_all("script", src=True)
                  if not script.has_attr("defer")]
    if name != "search.html":
        assert waited_for == ["_static/documentation_options.js"]


def test_no_picture_is_cut_off_at_its_right():
    pictures = sorted((SITE / "pictures").glob("*.png"))
    assert len(pictures) > 80
    assert [path.name for path in pictures
            if (np.asarray(Image.open(path).convert("L"))[:, -2:] < 200).any()] == []


@pytest.mark.parametrize("path", find_lessons(), ids=lambda path: path.stem)
def test_a_page_folds_what_the_lesson_folds(path):
    folded = [cell.source.splitlines()[0] for cell in nbformat.read(path, as_version=4).cells
              if cell.metadata.get("jupyter", {}).get("source_hidden")]
    lines = [fold.get_text().strip() for fold in soup(f"{path.stem}.html").select(
        "details.hide.above-input > summary > .collapsed")]
    assert len(lines) == len(folded)
    for line, first in zip(lines, folded, strict=True):
        if first.startswith("# figure: "):
            assert re.fullmatch(r"Code of figure \d+\.\d+", line)
        else:
            title = first.removeprefix("# ").removeprefix("claim: ")
            assert line == f"Code: {title}".replace(" %", "\u00a0%")


@every_lesson
def test_every_figure_says_what_it_draws(name):
    for caption in soup(name).find_all("figcaption"):
        assert re.match(r"Figure \d+\.\d+: \w", caption.get_text())


@every_lesson
def test_sentences_break_and_stay_with_their_per_cent_signs(name, opened):
    page = opened(name)
    for width, outputs in ((360, ".tag_sentences .cell_output pre"), (1280, ".cell_output pre")):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.locator(outputs).count() >= 1
        assert page.locator(outputs).evaluate_all(
            "all => all.every(one => one.scrollWidth <= one.clientWidth)")
    prose = soup(name).article
    for other in prose.select("pre, code, .exercise, .cell_output"):
        other.decompose()
    assert not re.search(r"\d %", prose.get_text())


@every_lesson
def test_first_uses_are_linked_to_the_glossary(name):
    linked = [link["href"] for link in soup(name).article.find_all("a")
              if link["href"].startswith("glossary.html#term-")]
    assert len(linked) >= 3
    assert len(set(linked)) == len(linked)


def test_every_term_is_linked_from_some_page():
    linked = {link["href"].removeprefix("glossary.html#term-") for name in LESSONS
              for link in soup(name).article.find_all("a", href=re.compile("#term-"))}
    assert {re.sub(r"\W+", "-", term) for term in TERMS} == linked


def test_the_search_finds_words_from_a_folder(opened):
    page = opened("search.html?q=sparsity")
    page.locator("#search-results li").nth(4).wait_for()


def test_light_and_dark_can_be_chosen_and_last(opened):
    page = opened("index.html")
    for mode in ("dark", "light"):
        page.get_by_role("button", name="Color mode").click()
        page.get_by_role("button", name=mode.title(), exact=True).click()
        page.reload()
        assert page.locator("html").get_attribute("data-theme") == mode

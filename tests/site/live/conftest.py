"""A browser, and live figures opened in it; whatever the page complains about fails the test."""

import pytest
from browsing import chromium
from live_page import built, figure, write


@pytest.fixture(scope="session")
def live_chromium(request):
    """Return the browser of the site's tests where there is one: two at once cannot run."""
    try:
        yield request.getfixturevalue("chromium")
    except pytest.FixtureLookupError:
        with chromium() as own:
            yield own


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    built()
    return write(tmp_path_factory.mktemp("live"))


@pytest.fixture
def fresh(live_chromium, request):
    """Give a function that opens a page of its own; return what it complains about with it."""
    contexts = []

    def open_page(url, script="", **settings):
        context = live_chromium.new_context(**({"viewport": {"width": 900, "height": 900}}
                                               | settings))
        contexts.append(context)
        page, amiss, asked = context.new_page(), [], []
        page.on("console", lambda message: message.type in ("error", "warning")
                and amiss.append(message.text))
        page.on("pageerror", lambda error: amiss.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        if script:
            page.add_init_script(script)
        page.goto(url)
        return page, amiss, asked

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def opened(live_chromium, folder):
    """Give a function that returns a living figure, opened once for all tests of a file."""
    pages, amiss = {}, []

    def open_figure(name):
        if name not in pages:
            page = live_chromium.new_page(viewport={"width": 900, "height": 900})
            page.on("console", lambda message: amiss.append(message.text))
            page.on("pageerror", lambda error: amiss.append(str(error)))
            page.goto((folder / f"light-{name}.html").as_uri())
            pages[name] = figure(page, name)
        return pages[name]

    yield open_figure
    for live in pages.values():
        live.page.close()
    assert amiss == []

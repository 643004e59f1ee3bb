"""What makes a page appear sooner: one stylesheet instead of seven, scripts that wait."""

import re
from pathlib import Path

SHEET = "_static/styles/site.css"
LINK = re.compile(r'[ \t]*<link (?=[^>]*rel="stylesheet")[^>]*href="(_static/[^"?]+)[^>]*>\n?')
IMPORT = re.compile(r'@import "([^"]+)";')
# course.css has the icons that are used
FONTS = re.compile(r"@font-face\{[^}]*/fontawesome/[^}]*\}")
ICONS = re.compile(r'\.fa-[\w-]+(?:,\.fa-[\w-]+)*\{--fa:"[^"]*"\}')
WAITS = re.compile(r'<script src="(_static/(?:doctools|sphinx_highlight|scripts/sphinx-book-theme)'
                   r'\.js)')


def lighter(html: str) -> str:
    """Return a page with one stylesheet, whose scripts wait until the page is read.

    DOCUMENTATION_OPTIONS does not wait: a script in the page needs it. The page that searches
    needs all of them at once.
    """
    if "searchtools.js" not in html:
        html = WAITS.sub(r'<script defer src="\1', html)
    first = LINK.search(html)
    if not first:
        raise ValueError("a page has no stylesheet of _static; allowed is one or more")
    start = html[:first.start()]
    return f'{start}<link rel="stylesheet" href="{SHEET}">\n{LINK.sub("", html[first.start():])}'


def write_sheet(out: Path, pages: set[str]) -> None:
    """Write the stylesheets of all pages as one, without what nothing here uses."""
    names, *others = {tuple(LINK.findall(html)) for html in pages}
    if others:
        raise ValueError(f"pages have {names} and {others[0]} as stylesheets; allowed is one list")
    css = "\n".join(_whole(out / name) for name in names)
    css = css.replace('@charset "UTF-8";', "")
    (out / SHEET).write_text(f'@charset "UTF-8";\n{ICONS.sub("", FONTS.sub("", css))}', "utf-8")


def _whole(file: Path) -> str:
    """Return a stylesheet, those that it imports inside; a relative address would break."""
    css = IMPORT.sub(lambda found: _whole(file.parent / found[1]), file.read_text("utf-8"))
    if lost := re.findall(r'url\((?!"?data:)(?![^)]*fontawesome)[^)]*\)', css):
        raise ValueError(f"{file.name} loads {lost[0]}; allowed is data: alone")
    return css

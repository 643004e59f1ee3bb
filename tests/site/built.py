"""Where the built site is, and its pages."""

import pytest

from course_tools.lessons.notebooks import HOME, find_lessons

SITE = HOME / "build" / "site"
AXE = HOME / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
LESSONS = [f"{path.stem}.html" for path in find_lessons()]
PAGES = sorted(page.name for page in SITE.glob("*.html"))

every_page = pytest.mark.parametrize("name", PAGES)
every_lesson = pytest.mark.parametrize("name", LESSONS)

"""Sphinx's configuration of the site; build.py writes the sources and calls it."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HOME), str(HOME / "site")]

project = "Pruning neural networks, by experiment"
author = "the authors of the course"
language = "en"
smartquotes = False  # the lessons' text as it stands
extensions = ["myst_nb", "extension"]
exclude_patterns = ["_build"]

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

html_theme = "sphinx_book_theme"
html_title = "Pruning, by experiment"
html_static_path = [str(HOME / "site" / "static")]
templates_path = [str(HOME / "site" / "templates")]
html_favicon = str(HOME / "site" / "static" / "favicon.svg")
html_css_files = ["course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False  # the footer says it
html_show_search_summary = False  # it would fetch the page of each hit, which file:// forbids
html_last_updated_fmt = None
html_context = {"default_mode": "auto"}
html_use_index = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_persistent": [],
    "show_toc_level": 2,
    "search_bar_text": "Search the course",
    "footer_content_items": ["author", "extra-footer"],
    "extra_footer": "Lessons CC BY 4.0, code MIT, digits CC BY-SA 3.0.",
}

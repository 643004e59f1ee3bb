"""What the site adds to Sphinx: formulas as MathML, links to the glossary, a policy."""

import base64
import hashlib
import re
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from places import LIVE
from sphinx import addnodes
from terms import TERMS
from weight import lighter, write_sheet

# `file:` is for pages opened from a folder, where browsers read 'self' differently. The hashes of
# the theme's own inline scripts are added to script-src; WebAssembly and the worker are the live
# figures'.
POLICY = {
    "default-src": "'none'", "script-src": "'self' file: 'wasm-unsafe-eval'",
    "style-src": "'self' file: 'unsafe-inline'", "img-src": "'self' file: data: blob:",
    "font-src": "'self' file:", "connect-src": "'self'", "worker-src": "'self' file: blob:",
    "form-action": "'self' file:", "base-uri": "'none'",
}
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
MENDED = {  # without scripts a page is light; folds and buttons are called what stands on them
    'search-button__button pst-js-only" title="Search" aria-label="Search"':
        'search-button__button pst-js-only" title="Search"',
    'data-theme="auto"': 'data-theme="light"',
    '<summary aria-label="Toggle hidden content">': "<summary>",
}
PER_CENT = re.compile(r"(?<=\d) %")
NOT_LINKED = (nodes.literal, nodes.reference, nodes.title, nodes.raw, nodes.term,
              nodes.literal_block, addnodes.pending_xref)


def inline_formula(writer, node: nodes.math) -> None:
    """Write a formula in a line as MathML, which needs neither scripts nor fonts."""
    writer.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def formula(writer, node: nodes.math_block) -> None:
    """Write a formula of its own as MathML."""
    writer.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def link_first_uses(app, doctree: nodes.document) -> None:
    """Link the first use of each term of the glossary on a lesson's page."""
    lesson = app.env.docname[:2]
    if not lesson.isdigit():
        return
    waiting = {term: pattern for term, (first, pattern) in TERMS.items() if lesson >= first}
    for text in list(doctree.findall(nodes.Text)):
        if _linkable(text):
            _link(text, waiting)


def hold_together(app, doctree: nodes.document) -> None:
    """Keep a number and its per cent sign in one line."""
    for text in list(doctree.findall(nodes.Text)):
        if PER_CENT.search(text) and not _within(text, (nodes.literal, nodes.literal_block,
                                                        nodes.raw, nodes.FixedTextElement)):
            text.parent.replace(text, nodes.Text(PER_CENT.sub("\u00a0%", text)))


def _within(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def _linkable(node: nodes.Node) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, NOT_LINKED) or "cell_output" in getattr(node, "attributes", {}).get(
                "classes", []):
            return False
    return True


def _link(text: nodes.Text, waiting: dict[str, str]) -> None:
    """Put links into a text, and take their terms off the list of those that wait."""
    found = {term: match for term, pattern in waiting.items()
             if (match := re.search(rf"(?<![\w-]){pattern}(?![\w-])", text, re.IGNORECASE))}
    parts, at = [], 0
    for term, match in sorted(found.items(), key=lambda item: item[1].start()):
        if match.start() >= at:
            link = addnodes.pending_xref("", nodes.inline("", match[0], classes=["term"]),
                                         refdomain="std", reftype="term", reftarget=term,
                                         refexplicit=True, refwarn=True)
            parts += [nodes.Text(text[at:match.start()]), link]
            at = match.end()
            del waiting[term]
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(text[at:])])


def add_live(app, pagename: str, template: str, context: dict, doctree) -> None:
    """Load the live figures' script on the pages that have one."""
    if 'class="live"' in context.get("body", "") and (LIVE / "live.js").is_file():
        app.add_js_file("live/live.js", loading_method="defer")


def finish(app, error: Exception | None) -> None:
    """Mend each page, and write into it what it may load: nothing from other hosts."""
    pages = sorted(Path(app.outdir).glob("*.html")) if error is None else []
    if pages:
        write_sheet(Path(app.outdir), {page.read_text("utf-8") for page in pages})
    for page in pages:
        html = page.read_text("utf-8")
        for old, new in MENDED.items():
            html = html.replace(old, new)
        page.write_text(with_policy(lighter(html)), "utf-8")


def with_policy(html: str) -> str:
    """Return a page with its Content-Security-Policy, which names its inline scripts by hash."""
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
              for script in INLINE.findall(html)}
    scripts = "".join(f" 'sha256-{one}'" for one in sorted(hashes))
    policy = "; ".join(f"{name} {allowed}{scripts if name == 'script-src' else ''}"
                       for name, allowed in POLICY.items())
    head = '<meta charset="utf-8" />'
    if head not in html:
        raise ValueError(f"a page does not begin with {head}: the policy has no place")
    return html.replace(
        head, f'{head}\n<meta http-equiv="Content-Security-Policy" content="{policy}">', 1)


def setup(app) -> dict:
    """Register all of it."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (formula, None))
    app.connect("doctree-read", hold_together)
    app.connect("doctree-read", link_first_uses)
    app.connect("html-page-context", add_live)
    app.connect("build-finished", finish, priority=900)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}

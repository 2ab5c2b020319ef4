"""The page itself: HTML with everything in it, which loads nothing. Whatever comes from a file is escaped."""

import html
from collections.abc import Sequence

from kerasgan.runs.report.signs import BAD, GOOD, UNKNOWN, WATCH, Finding

Picture = tuple[str, int, int]  # a data: URI, width, height

WORDS = {BAD: "Trouble", WATCH: "Watch", UNKNOWN: "Not known", GOOD: "Fine"}

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1b1f; --soft: #5a5a63; --line: #d8d8de; --card: #f6f6f8;
  --bad: #b3261e; --watch: #8a5a00; --good: #1d6b34; --unknown: #5a5a63; }
@media (prefers-color-scheme: dark) { :root { --ground: #16161a; --ink: #ececf0; --soft: #a9a9b3; --line: #3a3a42;
  --card: #202026; --bad: #ff8a80; --watch: #f0b94a; --good: #7fd696; --unknown: #a9a9b3; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 0 0 .3rem; }
p { margin: .3rem 0; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
code { font: .9em ui-monospace, monospace; background: var(--card); padding: .1em .3em; border-radius: .2rem; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.finding { border-left: .3rem solid var(--line); background: var(--card); padding: .6rem .9rem; margin: .7rem 0; }
.bad { border-color: var(--bad); } .watch { border-color: var(--watch); }
.good { border-color: var(--good); } .unknown { border-color: var(--unknown); }
.word { font-weight: 700; } .bad .word { color: var(--bad); } .watch .word { color: var(--watch); }
.good .word { color: var(--good); } .unknown .word { color: var(--unknown); }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
figure { margin: 0; }
img { display: block; width: 100%; height: auto; background: #fff; border-radius: .2rem; }
img.pixels { image-rendering: pixelated; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem .8rem .25rem 0; vertical-align: top; }
th { font-weight: 600; white-space: nowrap; }
"""


def page(title: str, sections: Sequence[str]) -> str:
    """A whole HTML document.

    Args:
        title: of the page, as text.
        sections: HTML, of the functions below.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Even where something should be wrong with the escaping: nothing is run, and nothing is fetched.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f'<title>{text(title)}</title>\n<link rel="icon" href="data:,">\n<style>{STYLE}</style>\n</head>\n<body>\n'
        f"<main>\n<h1>{text(title)}</h1>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    """Any text as HTML."""
    return html.escape(str(value), quote=True)


def section(title: str, *content: str) -> str:
    """A part of the page under a heading."""
    return f"<section>\n<h2>{text(title)}</h2>\n{''.join(content)}</section>\n"


def paragraph(said: str, soft: bool = False) -> str:
    """A paragraph of plain text, in which `code` stands between backquotes."""
    kind = ' class="soft"' if soft else ""
    return f"<p{kind}>{_with_code(said)}</p>\n"


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """A table of two columns."""
    cells = "".join(f'<tr><th scope="row">{text(name)}</th><td>{_with_code(value)}</td></tr>\n' for name, value in rows)
    return f'<div class="scroll" role="region" aria-label="Settings" tabindex="0"><table>\n{cells}</table></div>\n'


def table(rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table whose first row are headings."""
    head = "".join(f'<th scope="col">{text(cell)}</th>' for cell in rows[0])
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>\n'
        for row in rows[1:]
    )
    return (
        f'<div class="scroll" role="region" aria-label="{text(caption)}" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )


def finding(found: Finding) -> str:
    """What was found of one sign, and what to try."""
    lines = [f'<h3><span class="word">{WORDS[found.level]}:</span> {text(found.title)}</h3>\n', paragraph(found.found)]
    if found.meaning:
        lines.append(paragraph(found.meaning))
    if found.tries:
        tries = "".join(
            f"<li>{text(what)}{'' if option is None else f': <code>{text(option)}</code>'}</li>\n"
            for what, option in found.tries
        )
        lines.append(f"<p>What to try:</p>\n<ul>\n{tries}</ul>\n")
    return f'<article class="finding {found.level}">\n{"".join(lines)}</article>\n'


def figure(picture: Picture, alt: str, caption: str, heading: str = "", pixels: bool = False) -> str:
    """A picture and what is to be said of it; `pixels` keeps small ones sharp where they are shown large."""
    uri, width, height = picture
    kind = ' class="pixels"' if pixels else ""
    above = f"<h3>{text(heading)}</h3>\n" if heading else ""
    below = f"<figcaption>{_with_code(caption)}</figcaption>\n" if caption else ""
    image = f'<img{kind} src="{uri}" width="{width}" height="{height}" alt="{text(alt)}">'
    return f"<figure>\n{above}{image}\n{below}</figure>\n"


def grid(figures: Sequence[str]) -> str:
    """Figures side by side, as many as there is room for."""
    return f'<div class="grid">\n{"".join(figures)}</div>\n'


def _with_code(said: str) -> str:
    parts = said.split("`")
    if len(parts) % 2 == 0:  # a backquote without its other one
        return text(said)
    return "".join(f"<code>{text(part)}</code>" if i % 2 else text(part) for i, part in enumerate(parts))

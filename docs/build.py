"""Build the documentation: ``python docs/build.py`` renders the pages and an API reference into docs/_build."""

from __future__ import annotations

import html
import importlib
import inspect
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from markdown_it import MarkdownIt

DOCS = Path(__file__).parent
OUT = DOCS / "_build"
STYLE = DOCS.parent / "src" / "selfseis" / "report" / "templates" / "report.css"
PAGES = {
    "index": "Start",
    "idea": "The idea",
    "verdicts": "Verdicts",
    "denoising": "Denoising",
    "false-alarms": "False alarms",
    "picking": "Picking",
    "choosing-a-picker": "Choosing a picker",
    "exploring": "Exploring",
    "locating": "Locating",
    "slip": "Slip",
    "tomography": "Tomography",
    "recordings": "Recordings",
    "commands": "Commands",
    "options": "Options",
    "benchmarks": "Benchmarks",
}
NAMES = (
    "recording", "denoise", "detect", "pick", "explore", "locate", "catalogue", "consensus", "geo", "traveltimes",
    "validation", "simulate", "networks", "training", "report", "workflow", "samples", "inversion", "slip",
    "tomography",
)  # fmt: skip
PACKAGES = ("selfseis", *(f"selfseis.{name}" for name in NAMES))
OWN_STYLE = """
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 20px 0 10px; font-size: 14px; }
nav { border-bottom: 1px solid var(--line); }
body { max-width: 880px; } main img { max-width: 100%; height: auto; }
h1 { margin: 30px 0 18px; } h2 { margin: 36px 0 6px; } h3 { margin: 30px 0 4px; } h4 { margin: 22px 0 2px; }
td code, p code, li code { background: var(--wash); padding: 0 3px; }
"""


def main() -> None:
    """Render every page, the reference, and copy the images."""
    shutil.rmtree(OUT, ignore_errors=True)
    shutil.copytree(DOCS / "images", OUT / "images")
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    for name, title in PAGES.items():
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        links = "\n".join(f"- [{package}](api-{package}.html): {summary(package)}" for package in PACKAGES)
        body = markdown.render(text.replace("<!-- api -->", links))
        write(name, title, re.sub(r'href="([\w-]+)\.md', r'href="\1.html', with_anchors(body)))
    for package in PACKAGES:
        write(f"api-{package}", package, reference(importlib.import_module(package)))
    check_links()
    print(
        f"{len(PAGES)} pages, and the reference of {len(PACKAGES)} packages: {OUT.relative_to(DOCS.parent)}"
    )


def summary(package: str) -> str:
    """Return the first line of a package's docstring."""
    return (importlib.import_module(package).__doc__ or "").partition("\n")[0]


def with_anchors(body: str) -> str:
    """Give every heading an identifier made of its words."""

    def named(match: re.Match[str]) -> str:
        anchor = re.sub(r"\W+", "-", re.sub(r"<.*?>", "", match[2])).strip("-").lower()
        return f'<h{match[1]} id="{anchor}">{match[2]}</h{match[1]}>'

    return re.sub(r"<h([23])>(.*?)</h\1>", named, body)


def write(name: str, title: str, body: str) -> None:
    """Put a body into a page with the look of the report."""
    links = " ".join(f'<a href="{page}.html">{label}</a>' for page, label in PAGES.items())
    style = STYLE.read_text(encoding="utf-8") + OWN_STYLE
    (OUT / f"{name}.html").write_text(
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · selfseis</title>\n<style>{style}</style></head>\n"
        f"<body><nav>{links}</nav>\n<main>\n{body}</main></body>\n</html>\n",
        encoding="utf-8",
    )


def reference(module: ModuleType) -> str:
    """Return the documentation of a module and of all its public names."""
    parts = [f"<h1>{module.__name__}</h1>", docstring(module)]
    names = [name for name in module.__all__ if not name.startswith("__")]
    parts += [part for name in names for part in documented(name, getattr(module, name))]
    return "\n".join(parts)


def documented(name: str, thing: object) -> Iterator[str]:
    """Yield the signature and docstring of a class or function, then those of a class's methods."""
    yield f'<h3 id="{name}">{name}</h3>'
    if callable(thing):
        yield f"<pre>{html.escape(signature(name, thing))}</pre>"
    yield docstring(thing)
    if not inspect.isclass(thing) or issubclass(thing, Exception):
        return
    for method, member in vars(thing).items():
        function = getattr(member, "__func__", member)
        if not method.startswith("_") and inspect.isfunction(function):
            yield f"<h4>{name}.{method}</h4><pre>{html.escape(signature(method, function))}</pre>"
            yield docstring(function)


def signature(name: str, thing: object) -> str:
    """Return how something is called, one argument a line where it is long."""
    try:
        arguments = inspect.signature(thing)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return name
    line = f"{name}{unquoted(str(arguments))}"
    if len(line) <= 100:
        return line
    inner = ",\n".join(f"    {unquoted(str(parameter))}" for parameter in arguments.parameters.values())
    return f"{name}(\n{inner},\n)"


def unquoted(text: str) -> str:
    """Return a signature without the quotes that postponed annotations have."""
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)


def docstring(thing: object) -> str:
    """Return a numpydoc docstring as HTML: its prose as paragraphs, its sections as they are laid out."""
    text = inspect.getdoc(thing) if not isinstance(thing, str | tuple | dict) else None
    if not text:
        return ""
    prose, *sections = re.split(r"\n(?=[A-Z][A-Za-z ]+\n-{3,}\n)", text)
    parts = [f"<p>{inline(paragraph)}</p>" for paragraph in prose.split("\n\n")]
    for section in sections:
        title, _, body = section.split("\n", 2)
        parts.append(f"<p><small>{title}</small></p><pre>{html.escape(body.strip())}</pre>")
    return "\n".join(parts)


def inline(text: str) -> str:
    """Return text with its quoted code marked as code."""
    return re.sub(r"`{1,2}([^`]+)`{1,2}", r"<code>\1</code>", html.escape(text.strip(), quote=False))


def check_links() -> None:
    """Fail where a page points to a file or a heading that is not there."""
    pages = {path.name: path.read_text(encoding="utf-8") for path in OUT.glob("*.html")}
    for name, text in pages.items():
        for target in re.findall(r'(?:href|src)="([^":]+)"', text):
            file, _, anchor = target.partition("#")
            there = (OUT / file).exists() if file else True
            if not there or (anchor and f'id="{anchor}"' not in pages[file or name]):
                raise SystemExit(f"docs: {name} points to {target}, which does not exist")


if __name__ == "__main__":
    main()

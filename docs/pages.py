"""What Sphinx reads in place of a file: a lesson that needs no kernel; a room's reference."""

import ast
import re
from inspect import ismodule
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from sphinx.application import Sphinx
from sphinx.search.zh import SearchChinese

import prefixlab
from prefixlab.workbook.copies import LESSONS, without_outputs
from prefixlab.workbook.page.export import live
from prefixlab.workbook.translation import catalogue_of, translate

ONLY_IN_LESSONS = ("prefixlab.workbook.checks", "prefixlab.workbook.panels")
AUTOMODULE = """```{{eval-rst}}
.. automodule:: {}
   :members:
   :ignore-module-all:
```
"""
WIDGET = "application/vnd.jupyter.widget-view+json"  # of what needs a kernel

# What is no text of a lesson, and so in no catalogue of translations.
SAYS = {
    "en": {
        "open": "Write and train it yourself: {places}.",
        "panel": "This panel runs in JupyterLab: {places}.",
        "own": "on your own machine",
        "colab": "in Colab",
        "binder": "on Binder",
        "or": " or ",
    },
    "zh_CN": {
        "open": "自己动手写，动手训练：{places}。",
        "panel": "这个面板在 JupyterLab 中运行：{places}。",
        "own": "在自己的电脑上",
        "colab": "在 Colab 上",
        "binder": "在 Binder 上",
        "or": "、",
        "Hint": "点拨",
        "Solution": "参考答案",
    },
}

COLAB = "https://colab.research.google.com/github/{repository}/blob/gh-pages/en/colab/{name}.ipynb"
BINDER = "https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/notebooks/{name}.ipynb"
# Not by the lock: Colab stops when its own IPython and ipywidgets are replaced.
ON_COLAB = """# What this lesson needs: some minutes, once.
from importlib.util import find_spec
if find_spec("prefixlab") is None:
    !git clone --quiet --depth 1 https://github.com/{repository} prefixlab-source
    %pip install --quiet ./prefixlab-source anywidget"""


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("repository", "", "env")
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", keep_layout, priority=400)  # before napoleon's own
    app.connect("autodoc-process-signature", without_factories)
    app.add_search_language(Chinese)
    app.connect("build-finished", write_for_colab)
    return {"parallel_read_safe": True}


def read(app: Sphinx, name: str, source: list[str]) -> None:
    folder, _, page = name.rpartition("/")
    language = app.config.language
    if folder == "notebooks":
        lesson, _ = live(nbformat.reads(source[0], as_version=4), None)
        if language != "en":
            lesson = translate(lesson, catalogue_of(page, language))
        source[0] = nbformat.writes(as_page(lesson, page, app.config.repository, language))
    elif page == "index" and language != "en":
        own = Path(__file__).parent / "first_page" / f"{language}.md"
        source[0] = own.read_text(encoding="utf-8")
    elif folder == "docs/api":
        source[0] += public_names() if page == "names" else room(page)


def as_page(lesson: NotebookNode, name: str, repository: str, language: str) -> NotebookNode:
    """A lesson whose outputs need no kernel, with the ways to one that has it."""
    says = SAYS[language]
    places = {"own": "../index.html#own-machine"}
    if repository:
        places = {
            "colab": COLAB.format(repository=repository, name=name),
            "binder": BINDER.format(repository=repository, name=name),
        } | places

    def sentence(kind: str, *excluded: str) -> str:
        links = [
            f'<a href="{address}">{says[place]}</a>'
            for place, address in places.items()
            if place not in excluded
        ]
        return f'<p class="{kind}">{says[kind].format(places=says["or"].join(links))}</p>'

    heading = ""
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            *_, heading = heading, *re.findall(r"^#+ (.+)", cell.source, re.MULTILINE)
            for word in ("Hint", "Solution"):
                fold = "<summary>{}</summary>".format
                cell.source = cell.source.replace(fold(word), fold(says.get(word, word)))
            continue
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata.tags = [*cell.metadata.get("tags", []), "remove-input"]
        alt, shown = heading, []
        for output in cell.outputs:
            data = output.get("data", {})
            if data.pop(WIDGET, None) and "text/markdown" not in data:
                note = {"text/html": sentence("panel", "colab")}
                shown.append(new_output("display_data", data=note))
                alt = data.pop("text/plain").partition(":")[0]  # the panel's name
            if data or output.output_type == "stream":
                shown.append(output)
        cell.outputs = shown
        cell.metadata.setdefault("mystnb", {"image": {"alt": alt}})
    if name[0].isdigit():  # a lesson, not the list of symbols
        lesson.cells.insert(1, new_markdown_cell(sentence("open")))
    return lesson


def write_for_colab(app: Sphinx, error: Exception | None) -> None:
    """The lessons as a learner gets them, each behind a cell that installs what it needs."""
    if error or app.builder.name != "html" or not app.config.repository:
        return
    folder = Path(app.outdir) / "colab"
    folder.mkdir(exist_ok=True)
    for file in LESSONS.glob("[0-9]*.ipynb"):
        lesson = nbformat.reads(without_outputs(file), as_version=4)
        lesson.cells.insert(1, new_code_cell(ON_COLAB.format(repository=app.config.repository)))
        nbformat.write(lesson, folder / file.name)


def room(name: str) -> str:
    """The modules of a room, but for what only a lesson calls."""
    package = f"prefixlab.{name}"
    folder = Path(prefixlab.__file__).parent / name
    found = sorted(module.name for module in walk_packages([str(folder)], f"{package}."))
    sections = {package: ""}
    sections |= {
        module: f"\n## {module.removeprefix(f'{package}.')}\n"
        for module in found
        if not module.startswith(ONLY_IN_LESSONS)
    }
    return "".join(f"{title}\n{AUTOMODULE.format(module)}" for module, title in sections.items())


def public_names() -> str:
    """A table of what `import prefixlab as pl` offers."""
    stub = Path(prefixlab.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    rows = ["", "| | |", "|---|---|"]
    for line in ast.parse(stub).body:
        for name in (alias.name for alias in line.names):
            thing = getattr(prefixlab, name)
            if says := thing.__doc__ if hasattr(thing, "__name__") else None:
                whole = thing.__name__ if ismodule(thing) else f"{thing.__module__}.{name}"
                rows.append(f"| {{py:obj}}`pl.{name} <{whole}>` | {says.splitlines()[0]} |")
    return "\n".join(rows)


def keep_layout(app: Sphinx, kind: str, name: str, thing: Any, options: Any, lines: list) -> None:
    """Above the sections of a docstring an indented block stays as it is laid out, and | is |."""
    dashes = (number for number, line in enumerate(lines) if line and not line.strip("-"))
    end = next(dashes, len(lines) + 1) - 1
    kept: list[str] = []
    inside = False
    for line in lines[:end]:
        if line.strip():
            indented = line.startswith("    ") and (inside or not any(kept[-1:]))
            kept += [".. code-block:: text", ""] if indented and not inside else []
            inside = indented
        kept.append(line if inside else line.replace("|", r"\|"))
    lines[:end] = kept


def without_factories(app: Sphinx, *known: Any) -> tuple[str | None, str | None]:
    """A default that is made when it is asked for is no Python, which Sphinx could read."""
    *_, arguments, returned = known
    return arguments and arguments.replace("<factory>", "..."), returned


class Chinese(SearchChinese):
    """Finds a term of two to four signs wherever it stands, without a dictionary of words."""

    language_name = "English"  # whose stemmer it has: Sphinx 9.0 asks for one of its own

    def split(self, text: str) -> list[str]:
        runs = re.findall(r"[\u4e00-\u9fff]+", text)
        terms = [run[i : i + n] for run in runs for n in (2, 3, 4) for i in range(len(run) - n + 1)]
        return terms + super().split(text)

"""The web site: the lessons as they are stored, these pages, and the reference; no kernel runs."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

project = html_title = "prefixlab"
author = "The prefixlab authors"
copyright = f"{author}, MIT licence"
language = "en"

root_doc = "index"
include_patterns = ["index.md", "docs/*.md", "docs/api/*.md", "notebooks/*.ipynb"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx-mathjax-offline"]
extensions += ["pages"]  # beside this file
repository = os.environ.get("GITHUB_REPOSITORY", "")  # owner/name, where a workflow builds the site

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
mathjax3_config = {"chtml": {"displayAlign": "left"}}

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
default_role = "py:obj"  # in docstrings `Template` leads to it
python_maximum_signature_line_length = 88

html_theme = "sphinx_book_theme"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_favicon = "favicon.svg"
html_copy_source = False
templates_path = ["templates"]
LANGUAGES = {"en": "English", "zh_CN": "中文"}
html_context = {
    "languages": {
        code: name
        for code, name in LANGUAGES.items()
        if code == "en" or (HERE / "locale" / code).exists()
    },
    "default_mode": "auto",
}
html_theme_options = {
    "navbar_persistent": [],  # the search stands in the side bar
    "article_header_end": ["languages", "article-header-buttons"],
    "use_download_button": False,
    "use_fullscreen_button": False,
}

"""The web site: the lessons as they are stored, these pages, and the reference; no kernel runs.

make site    # build/site/en, and build/site/zh_CN from the catalogues in docs/locale
"""

project = "prefixlab"
author = "The prefixlab authors"
copyright = author  # the name that Sphinx wants
language = "en"

root_doc = "index"
include_patterns = ["index.md", "docs/*.md", "docs/api/*.md", "notebooks/*.ipynb"]

extensions = ["myst_nb"]
nb_execution_mode = "off"  # what is stored is shown
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4

locale_dirs = ["locale"]
gettext_compact = False
gettext_uuid = False

html_theme = "sphinx_book_theme"
html_title = "prefixlab"

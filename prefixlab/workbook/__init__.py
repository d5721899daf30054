"""What the lessons need and a library does not: panels, checks, figures, recorded runs."""

from importlib.util import find_spec

NEEDS = (
    *("IPython", "anywidget", "babel", "ipywidgets", "markdown_it", "matplotlib", "nbformat"),
    *("pandas", "scipy", "tokenizers", "traitlets"),
)

if missing := [name for name in NEEDS if find_spec(name) is None]:
    raise ImportError(
        f"prefixlab.workbook needs {', '.join(missing)}: pip install 'prefixlab[workbook]'."
    )

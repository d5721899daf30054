"""Build the site in a folder, a language beside the other: `python docs/build.py build/site`.

English is what is written; a language more is a folder of catalogues in `docs/locale`.
"""

import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx_build

HERE = Path(__file__).parent
TO_ENGLISH = (
    '<!doctype html><title>prefixlab</title><meta http-equiv="refresh" content="0; url=en/">'
)


def build(site: Path) -> int:
    """Zero, or the status of the language that could not be built without a warning."""
    languages = ["en", *sorted(folder.name for folder in HERE.glob("locale/*"))]
    for language in languages:
        read = site.with_name(f"{site.name}-read") / language  # what Sphinx keeps between builds
        options = ["--quiet", "--fail-on-warning", "--keep-going", f"-Dlanguage={language}"]
        options += [f"--conf-dir={HERE}", f"--doctree-dir={read}"]
        if status := sphinx_build([*options, str(HERE.parent), str(site / language)]):
            return status
    (site / "index.html").write_text(TO_ENGLISH, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))

"""Where the data that come with the package lie: in a checkout, and where it was installed."""

from pathlib import Path

_ABOVE = Path(__file__).parents[1]
_INSTALLED = _ABOVE / "prefixlab_data"  # the name that pyproject.toml gives `data/` in the wheel

DATA = _INSTALLED if _INSTALLED.is_dir() else _ABOVE / "data"

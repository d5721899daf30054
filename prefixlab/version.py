"""Which release of the package this is, as its installer wrote it down."""

from importlib.metadata import version

__version__ = version("prefixlab")

"""Page: what answers in the page itself, without waiting for the kernel.

A widget hands its numbers over once. From then on its module, plain JavaScript beside the Python
file, draws them as SVG. Where no widget lives (a code host, an HTML export) the stored lesson
shows a picture of the same, and says the same in words. A `Plot` alone is drawn by the kernel, and
an `Announcement` is words.
"""

from prefixlab.workbook.page.announcement import Announcement, kept
from prefixlab.workbook.page.curve import Curve, Star
from prefixlab.workbook.page.microscope import Microscope
from prefixlab.workbook.page.plot import Plot
from prefixlab.workbook.page.runs import Runs, Tracked

__all__ = ["Announcement", "Curve", "Microscope", "Plot", "Runs", "Star", "Tracked", "kept"]

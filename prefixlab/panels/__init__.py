"""Panels: the interactive parts of the lessons. They hold no method code."""

from prefixlab.panels.bars import bars
from prefixlab.panels.training import TrainingPanel

__all__ = ["TrainingPanel", "bars"]

"""Panels: the interactive parts of the lessons. They hold no method code."""

from prefixlab.panels.bars import bars
from prefixlab.panels.context import ContextPanel
from prefixlab.panels.training import TrainingPanel

__all__ = ["ContextPanel", "TrainingPanel", "bars"]

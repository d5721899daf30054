"""Panels: the interactive parts of the lessons. They hold no method code."""

from prefixlab.panels.bars import bars
from prefixlab.panels.context import InContextPanel
from prefixlab.panels.labs import PrefixTuningPanel, PromptTuningPanel, PTuningPanel
from prefixlab.panels.playground import PromptPanel

__all__ = [
    "InContextPanel",
    "PTuningPanel",
    "PrefixTuningPanel",
    "PromptPanel",
    "PromptTuningPanel",
    "bars",
]

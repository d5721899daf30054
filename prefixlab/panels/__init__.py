"""Panels: the interactive parts of the lessons. They hold no method code."""

from prefixlab.panels.adaptation import AdaptationPanel
from prefixlab.panels.anatomy import AnatomyPanel
from prefixlab.panels.comparison import ComparisonPanel
from prefixlab.panels.context import InContextPanel
from prefixlab.panels.ensembles import EnsemblePanel
from prefixlab.panels.labs import (
    PrefixTuningPanel,
    PromptTuningPanel,
    PTuningPanel,
    PTuningV2Panel,
)
from prefixlab.panels.playground import PromptPanel
from prefixlab.panels.prediction import Prediction
from prefixlab.panels.tables import bars
from prefixlab.panels.texts import TextPanel, marked
from prefixlab.panels.variants import VariantsPanel

__all__ = [
    "AdaptationPanel",
    "AnatomyPanel",
    "ComparisonPanel",
    "EnsemblePanel",
    "InContextPanel",
    "PTuningPanel",
    "PTuningV2Panel",
    "Prediction",
    "PrefixTuningPanel",
    "PromptPanel",
    "PromptTuningPanel",
    "TextPanel",
    "VariantsPanel",
    "bars",
    "marked",
]

"""Panels: the interactive parts of the lessons. They hold no method code."""

from prefixlab.workbook.panels.anatomy import AnatomyPanel
from prefixlab.workbook.panels.choice import Choice
from prefixlab.workbook.panels.comparison import ComparisonPanel
from prefixlab.workbook.panels.context import InContextPanel
from prefixlab.workbook.panels.ensembles import EnsemblePanel
from prefixlab.workbook.panels.labs import (
    PrefixTuningPanel,
    PromptTuningPanel,
    PTuningPanel,
    PTuningV2Panel,
)
from prefixlab.workbook.panels.past import PastPanel
from prefixlab.workbook.panels.playground import PromptPanel
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.tables import bars
from prefixlab.workbook.panels.texts import TextPanel, marked
from prefixlab.workbook.panels.variants import VariantsPanel

__all__ = [
    "AnatomyPanel",
    "Choice",
    "ComparisonPanel",
    "EnsemblePanel",
    "InContextPanel",
    "PTuningPanel",
    "PTuningV2Panel",
    "PastPanel",
    "Prediction",
    "PrefixTuningPanel",
    "PromptPanel",
    "PromptTuningPanel",
    "TextPanel",
    "VariantsPanel",
    "bars",
    "marked",
]

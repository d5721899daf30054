"""prefixlab: steering a frozen language model, from a hand-written prompt to prefix tuning."""

from prefixlab import ensembles, tasks
from prefixlab.backbone import Backbone, Conditioning, Past
from prefixlab.checkpoints import load as load_method
from prefixlab.checkpoints import resume, save
from prefixlab.encoder import Encoder
from prefixlab.encoder_decoder import EncoderDecoder
from prefixlab.evaluation import Evaluation, evaluate, predict
from prefixlab.generation import Decoding, generate
from prefixlab.geometry import Geometry, geometry
from prefixlab.loading import load
from prefixlab.methods import (
    METHODS,
    Cost,
    DiscretePrompt,
    InContextLearning,
    Method,
    PrefixTuning,
    PromptTuning,
    PTuning,
    PTuningV2,
    create,
)
from prefixlab.methods.prefix_tuning import attention_mass
from prefixlab.methods.prompt_tuning import nearest_tokens
from prefixlab.mixed import mixed_scores, serve
from prefixlab.mixture import mixture
from prefixlab.tasks import Task
from prefixlab.template import Template, Verbalizer
from prefixlab.text_metrics import TextEvaluation, judge_texts
from prefixlab.training import Recipe, Step, Training, TrainingDiverged, train

__all__ = [
    "METHODS",
    "Backbone",
    "Conditioning",
    "Cost",
    "Decoding",
    "DiscretePrompt",
    "Encoder",
    "EncoderDecoder",
    "Evaluation",
    "Geometry",
    "InContextLearning",
    "Method",
    "PTuning",
    "PTuningV2",
    "Past",
    "PrefixTuning",
    "PromptTuning",
    "Recipe",
    "Step",
    "Task",
    "Template",
    "TextEvaluation",
    "Training",
    "TrainingDiverged",
    "Verbalizer",
    "attention_mass",
    "create",
    "ensembles",
    "evaluate",
    "generate",
    "geometry",
    "judge_texts",
    "load",
    "load_method",
    "mixed_scores",
    "mixture",
    "nearest_tokens",
    "predict",
    "resume",
    "save",
    "serve",
    "tasks",
    "train",
]

"""What is measured, as this package does it."""

from collections import deque

import prefixlab as pl
from benchmarks import texts
from benchmarks.setting import Setting, Work, loaded, set_prefix
from benchmarks.texts import part_of
from prefixlab.evaluation.choices import scores
from prefixlab.methods.in_context import SEPARATOR


def training(at: Setting, name: str, **knobs: object) -> Work:
    """An epoch."""
    lm, sizes, films = loaded(at.backbone, at.dtype), at.sizes, texts.films(at.sizes)

    def ready(part: int):
        task = part_of(films, "train", part, sizes.trained)
        method = pl.create(name, lm, task, **knobs)
        steps = sizes.trained // sizes.batch
        run = pl.train(lm, method, task, steps=steps, batch_size=sizes.batch)
        return lambda: deque(run, maxlen=0)

    return ready


def scoring(at: Setting) -> Work:
    lm, films = loaded(at.backbone, at.dtype), texts.films(at.sizes)
    method = prefix(lm, films, at)

    def ready(part: int):
        examples = part_of(films, "test", part, at.sizes.scored).test
        return lambda: scores(lm, method, films, examples)

    return ready


def writing(at: Setting) -> Work:
    lm, task = loaded(at.backbone, at.dtype), texts.restaurants(at.sizes)
    method, tables = prefix(lm, task, at), list(pl.tasks.references(task.test))

    def ready(part: int):
        chosen = tables[part * at.sizes.written : (part + 1) * at.sizes.written]
        return lambda: pl.generate(lm, method, task, chosen, max_new_tokens=at.sizes.tokens)

    return ready


def prefix(lm: pl.Backbone, task: pl.Task, at: Setting) -> pl.PrefixTuning:
    method = pl.PrefixTuning(lm, task, prefix_length=at.sizes.prefix, init="uniform")
    set_prefix(method.prefix.values)
    return method


def asking(at: Setting, read_once: bool) -> Work:
    """Queries after demonstrations, which are read once, or again with every query."""
    lm, films = loaded(at.backbone, at.dtype), texts.films(at.sizes)
    method: pl.Method = pl.InContextLearning(lm, films, demonstrations=at.sizes.demonstrations)
    if not read_once:
        shown = [text.replace("{", "{{").replace("}", "}}") for text in method.texts]
        whole = SEPARATOR.join([*shown, films.template.text])
        method = pl.DiscretePrompt(lm, films, template=whole)

    def ready(part: int):
        examples = part_of(films, "test", part, at.sizes.asked).test
        return lambda: scores(lm, method, films, examples)

    return ready

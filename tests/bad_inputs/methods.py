"""Mistakes with methods, knobs, training and checkpoints, and with what belongs together."""

from dataclasses import replace
from typing import Any

import numpy
import torch

import prefixlab as pl
from bad_inputs import Given, Mistakes
from prefixlab import Verbalizer
from prefixlab.evaluation.choices import scores
from prefixlab.methods.in_context import InContextLearning
from prefixlab.serving.ensembles import member_scores
from prefixlab.workbook import interpretation
from prefixlab.workbook.memory import step_memory


def evaluate(at: Given, **options: Any) -> Any:
    return pl.evaluate(at.lm, at.create("discrete_prompt"), at.task, **options)


def score(at: Given, examples: Any) -> Any:
    return scores(at.lm, at.create("discrete_prompt"), at.task, examples)


def predict(at: Given, texts: Any) -> Any:
    return pl.predict(at.lm, at.create("discrete_prompt"), at.task, texts)


def write(at: Given, texts: Any, **options: Any) -> Any:
    return pl.generate(at.lm, at.create("discrete_prompt"), at.task, texts, **options)


def serve(at: Given, requests: Any, **options: Any) -> Any:
    prompts = {"films": (at.create("prompt_tuning"), at.task)}
    return pl.serve(at.lm, prompts, requests, **options)


def mixed(at: Given, *request: Any, **options: Any) -> Any:
    return pl.mixed_scores(at.lm, [request], **options)


def stranger(at: Given, name: str = "prompt_tuning") -> pl.Method:
    return pl.create(name, at.other, at.task)


def other_answers(at: Given) -> Any:
    task = replace(at.task, verbalizer=Verbalizer(("bad", "good")))
    return pl.evaluate(at.lm, at.create("linear_probe"), task)


def free_text(at: Given) -> Any:
    return pl.evaluate(at.lm, at.create("linear_probe"), at.task.text_to_text())


def saved(at: Given) -> Any:
    method = at.create("prompt_tuning")
    run = pl.train(at.lm, method, at.task, steps=3)
    return pl.save(method, at.folder / "mine", run)


def save_of_another(at: Given) -> Any:
    return pl.save(at.create("prompt_tuning"), at.folder / "mine", at.train("prompt_tuning"))


def save_of_nan(at: Given) -> Any:
    method = at.create("prompt_tuning")
    with torch.no_grad():
        method.prompt.values[0] = float("nan")
    return pl.save(method, at.folder / "mine")


class Mine(InContextLearning):
    name = "mine"


BELONGS = ["made for tiny-llama, not for tiny-gpt2", "fingerprint", "load the model"]
CHOICE = ["seed=", "0 to 4294967295"]

MISTAKES: Mistakes = {
    # A cartridge and its text.
    "text that is too short": (
        lambda at: at.create("cartridge", text="dull", prefix_length=30),
        ["prefix_length=30", "tokens of the text", "a longer text or more demonstrations"],
    ),
    "demonstrations that are too short": (
        lambda at: at.create("cartridge", demonstrations=1, prefix_length=60),
        ["prefix_length=60", "tokens of the text", "choose a smaller one"],
    ),
    "cartridge without a text": (
        lambda at: at.create("cartridge", demonstrations=0),
        ["demonstrations=0", "from 1 to 64"],
    ),
    "cartridge longer than the model": (
        lambda at: at.create("cartridge", text="dull", prefix_length=128),
        ["128 positions of prefix", "the 128 positions of tiny-gpt2", "shorten"],
    ),
    "text longer than the model": (
        lambda at: at.create("cartridge", text="dull and dull, " * 200),
        ["the 128 positions of tiny-gpt2", "shorten"],
    ),
    "cartridge with nothing to train": (
        lambda at: at.create("cartridge", prefix_length=4, frozen=4),
        ["frozen=4", "none of 4 positions", "from 0 to 3"],
    ),
    # Seeds and other whole numbers.
    "seed of text": (lambda at: at.create("adapters", seed="a"), ["seed='a'", *CHOICE[1:]]),
    "seed of nothing": (lambda at: at.create("adapters", seed=None), ["seed=None", *CHOICE]),
    "seed of halves": (lambda at: at.create("adapters", seed=1.5), ["seed=1.5", *CHOICE]),
    "seed of 64 bits": (lambda at: at.create("adapters", seed=2**64), ["seed=18446", *CHOICE]),
    "seed below zero": (lambda at: at.create("adapters", seed=-1), ["seed=-1", *CHOICE]),
    "seed of training": (lambda at: at.train("prompt_tuning", seed=2**64), ["seed=18446", *CHOICE]),
    "seed of sampling": (lambda at: at.generate(seed=-3), ["seed=-3", *CHOICE]),
    "seed of thousands of digits": (
        lambda at: at.train("prompt_tuning", seed=10**5000),
        ["thousands of digits", *CHOICE],
    ),
    "knob that is true": (
        lambda at: at.create("prompt_tuning", prompt_length=True),
        ["prompt_length", "type int, not bool"],
    ),
    "knob of numpy's halves": (
        lambda at: at.create("prompt_tuning", prompt_length=numpy.float64(3)),
        ["prompt_length", "type int, not float64"],
    ),
    "rate of NaN": (
        lambda at: at.train("prompt_tuning", learning_rate=float("nan")),
        ["learning_rate=nan", "from 0 to 10"],
    ),
    "clip of infinity": (
        lambda at: at.train("prompt_tuning", clip=float("inf")),
        ["clip=inf", "at least 0"],
    ),
    "clip of thousands of digits": (
        lambda at: at.train("prompt_tuning", clip=10**5000),
        ["clip=", "thousands of digits", "at least 0"],
    ),
    "warm-up without end": (
        lambda at: at.train("prompt_tuning", warmup=10**400),
        ["warmup=1000", "0 to 100000"],
    ),
    "words with half a character": (
        lambda at: at.create("prefix_tuning", words="a \ud800 film"),
        ["words", "U+D800", "UTF-8"],
    ),
    "knob of another name": (
        lambda at: at.create("prefix_tuning", **{"längë\n": 3}),
        ["no knob", "prefix_length"],
    ),
    "recipe of a dict": (
        lambda at: at.train("prompt_tuning", recipe={"steps": 3}),
        ["recipe={'steps': 3}", "prefixlab.Recipe()"],
    ),
    "decoding of text": (
        lambda at: at.generate(decoding="beam"),
        ["decoding='beam'", "prefixlab.Decoding()"],
    ),
    "no batch": (lambda at: evaluate(at, batch_size=0), ["batch_size=0", "at least 1"]),
    "batch below zero": (
        lambda at: mixed(at, at.create("prompt_tuning"), at.task, at.task.test, batch_size=-1),
        ["batch_size=-1", "at least 1"],
    ),
    "batch of texts below zero": (
        lambda at: at.generate(batch_size=-1),
        ["batch_size=-1", "at least 1"],
    ),
    "batch of requests of halves": (
        lambda at: serve(at, [("films", "dull")], batch_size=2.0),
        ["batch_size=2.0", "at least 1"],
    ),
    "neighbours of none": (
        lambda at: pl.nearest_tokens(at.lm, torch.zeros(2, 32), k=0),
        ["k=0", "from 1 to"],
    ),
    "neighbours of another width": (
        lambda at: pl.nearest_tokens(at.lm, torch.zeros(2, 31)),
        ["[2, 31]", "[tokens, 32]"],
    ),
    # What is no method, model, task or list of texts.
    "no method": (
        lambda at: pl.evaluate(at.lm, None, at.task),
        ["method is of type NoneType", "load_method"],
    ),
    "class for a method": (
        lambda at: pl.predict(at.lm, pl.PromptTuning, at.task, ["dull"]),
        ["method is of type type", "create"],
    ),
    "name for a model": (
        lambda at: pl.create("prompt_tuning", "gpt2", at.task),
        ["lm is of type str", "prefixlab.load()"],
    ),
    "name for a task": (
        lambda at: pl.PromptTuning(at.lm, "movie_reviews"),
        ["task is of type str", "tasks.load"],
    ),
    "number for a method": (
        lambda at: pl.create(3, at.lm, at.task),
        ["method=3", "prompt_tuning, prefix_tuning"],
    ),
    "split of a number": (lambda at: evaluate(at, split=1), ["split=1", "train, validation, test"]),
    "list for a Dataset": (
        lambda at: score(at, [("dull", 0)]),
        ["examples is of type list", "tasks.dataset"],
    ),
    "text to predict": (
        lambda at: predict(at, "a warm film"),
        ["texts='a warm film'", "['a warm film']"],
    ),
    "number to predict": (lambda at: predict(at, ["dull", 3]), ["texts[1]", "int", "str"]),
    "text to go on from": (lambda at: write(at, "dull"), ["texts='dull'", "['dull']"]),
    "nothing to go on from": (lambda at: write(at, None), ["texts=None", "list of str"]),
    "text for requests": (lambda at: serve(at, "films"), ["requests='films'", "(name, text)"]),
    "requests without names": (lambda at: serve(at, ["dull"]), ["requests=", "(name, text)"]),
    "request of a number": (lambda at: serve(at, [("films", 3)]), ["requests[0]", "int"]),
    "prompts in a list": (
        lambda at: pl.serve(at.lm, [at.create("prompt_tuning")], [("films", "dull")]),
        ["prompts is of type list", "{name: (method, task)}"],
    ),
    "prompt without its task": (
        lambda at: pl.serve(at.lm, {"films": at.create("prompt_tuning")}, [("films", "dull")]),
        ["prompts=", "(method, task)"],
    ),
    "request without examples": (
        lambda at: mixed(at, at.create("prompt_tuning"), at.task),
        ["requests=", "(method, task, examples)"],
    ),
    "ensemble of one": (
        lambda at: member_scores(at.lm, at.create("prompt_tuning"), at.task, at.task.test),
        ["one method", "into a list"],
    ),
    "attention without a prefix": (
        lambda at: pl.attention_mass(at.lm, at.create("prompt_tuning"), "dull"),
        ["prompt_tuning has no prefix", "prefix_tuning"],
    ),
    # Methods of another model, and heads for other answers.
    "evaluate a stranger": (lambda at: pl.evaluate(at.lm, stranger(at), at.task), BELONGS),
    "predict by a stranger": (
        lambda at: pl.predict(at.lm, stranger(at), at.task, ["dull"]),
        BELONGS,
    ),
    "train a stranger": (lambda at: pl.train(at.lm, stranger(at), at.task), BELONGS),
    "generate by a stranger": (
        lambda at: pl.generate(at.lm, stranger(at), at.task, ["dull"]),
        BELONGS,
    ),
    "serve a stranger": (
        lambda at: pl.serve(at.lm, {"films": (stranger(at), at.task)}, [("films", "dull")]),
        BELONGS,
    ),
    "ensemble of strangers": (
        lambda at: member_scores(at.lm, [stranger(at)], at.task, at.task.test),
        BELONGS,
    ),
    "look at a stranger": (
        lambda at: pl.attention_mass(at.lm, stranger(at, "prefix_tuning"), "dull"),
        BELONGS,
    ),
    "measure how far a stranger moved": (
        lambda at: interpretation.moved(at.lm, stranger(at), at.task),
        BELONGS,
    ),
    "look for words in a stranger": (
        lambda at: interpretation.persisting(at.lm, stranger(at), at.task),
        BELONGS,
    ),
    "ablate a stranger": (
        lambda at: interpretation.worth(at.lm, stranger(at), at.task, at.task.test),
        BELONGS,
    ),
    "memory of a stranger": (lambda at: step_memory(at.lm, stranger(at), at.task), BELONGS),
    "resume on another model": (
        lambda at: pl.resume(saved(at), at.other, at.task),
        ["made for tiny-gpt2, not for tiny-llama", "fingerprint"],
    ),
    "resume on another task": (
        lambda at: pl.resume(saved(at), at.lm, replace(at.task, name="books")),
        ["trained on films, not on books", "its own task"],
    ),
    "resume on other examples": (
        lambda at: pl.resume(saved(at), at.lm, replace(at.task, train=at.task.test)),
        ["other examples of films", "the same ones"],
    ),
    "head for other answers": (
        other_answers,
        ["trained for negative, positive", "films asks for bad, good", "train a head"],
    ),
    "head for free text": (free_text, ["negative, positive", "free text", "in words"]),
    # Checkpoints.
    "save nothing": (lambda at: pl.save(None, at.folder / "mine"), ["NoneType", "create"]),
    "save nowhere": (
        lambda at: pl.save(at.create("prompt_tuning"), ""),
        ["path=''", "'my-prefix'"],
    ),
    "save into a number": (lambda at: pl.save(at.create("prompt_tuning"), 3), ["path=3"]),
    "save a method of one's own": (
        lambda at: pl.save(Mine(at.lm, at.task), at.folder / "mine"),
        ["mine (Mine)", "METHODS"],
    ),
    "save the training of another": (
        save_of_another,
        ["another method than this prompt_tuning", "training.method"],
    ),
    "save what is no number": (save_of_nan, ["prompt.values", "not finite", "learning rate"]),
    "load a folder": (lambda at: pl.load_method(at.folder, at.lm), ["cannot be read"]),
    "load for a name": (
        lambda at: pl.load_method(saved(at), "gpt2"),
        ["lm is of type str", "prefixlab.load()"],
    ),
    "resume without a task": (
        lambda at: pl.resume(saved(at), at.lm, None),
        ["task is of type NoneType", "tasks.load"],
    ),
}

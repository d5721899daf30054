"""The mistakes that were thought of first, of every kind."""

from dataclasses import replace

import prefixlab as pl
from bad_inputs import ROWS, TABLES, Given, Mistakes
from prefixlab import Task, Template, Verbalizer
from prefixlab.methods.prefix_tuning import parse_layers

GPT2 = pl.geometry("gpt2")

MISTAKES: Mistakes = {
    "backbone": (lambda at: pl.load("gpt3"), ["'gpt3'", "gpt2, gpt2-medium, smollm2", "folder"]),
    "empty backbone": (lambda at: pl.load(str(at.folder)), ["config.json", "local causal model"]),
    "encoder-decoder": (Given.encoder_decoder, ["decoder_start_token_id", "T5 starts"]),
    "dtype": (lambda at: pl.load("smollm2", dtype="int4"), ["'int4'", "auto", "bfloat16"]),
    "device": (lambda at: pl.load("smollm2", device="tpu"), ["'tpu'", "auto", "cpu"]),
    "geometry": (lambda at: pl.geometry("gpt3"), ["'gpt3'", "gpt2, gpt2-medium, smollm2"]),
    "method": (
        lambda at: at.create("soft_prompt"),
        ["'soft_prompt'", "prompt_tuning, prefix_tuning"],
    ),
    "task": (lambda at: pl.tasks.load("sst2"), ["'sst2'", "movie_reviews"]),
    "split": (
        lambda at: pl.evaluate(at.lm, at.create("discrete_prompt"), at.task, split="dev"),
        ["'dev'", "train, validation, test"],
    ),
    # Knobs.
    "knob": (
        lambda at: at.create("prefix_tuning", length=5),
        ["prefix_tuning", "'length'", "prefix_length"],
    ),
    "init": (
        lambda at: at.create("prefix_tuning", init="zeros"),
        ["init='zeros'", "uniform, matched, task_words"],
    ),
    "no length": (
        lambda at: at.create("prompt_tuning", prompt_length=0),
        ["prompt_length=0", "from 1 to 200"],
    ),
    "length of no number": (
        lambda at: at.create("prefix_tuning", prefix_length="ten"),
        ["prefix_length", "type int", "'ten'"],
    ),
    "prefix without room": (
        lambda at: at.create("prefix_tuning", prefix_length=128),
        ["128 positions of prefix", "128 positions of tiny-gpt2", "shorten"],
    ),
    "prefix without room for a text": (
        lambda at: at.train("prefix_tuning", {"prefix_length": 120}),
        ["120 positions of prefix", "of text", "128 positions", "shorten"],
    ),
    "prompt without room for a text": (
        lambda at: at.train("prompt_tuning", {"prompt_length": 120}),
        ["of text", "128 positions", "shorten"],
    ),
    "text without room": (lambda at: at.predict("x" * 200), ["of text", "128 positions"]),
    "layer": (lambda at: at.create("prefix_tuning", layers="1-3"), ["layers='1-3'", "0 to 2"]),
    "layers": (lambda at: parse_layers("first", GPT2), ["layers='first'", "0 to 11", "0-5"]),
    "last layers": (lambda at: parse_layers("last:13", GPT2), ["layers='last:13'", "0 to 11"]),
    "no last layers": (lambda at: parse_layers("last:0", GPT2), ["layers='last:0'", "last:4"]),
    # Templates and answers.
    "no text": (lambda at: Template("Sentiment: {y}"), ["0 times {x}", "{x} exactly once"]),
    "no answer": (lambda at: Template("Review: {x}"), ["0 times {y}", "{y} exactly once"]),
    "two answers": (lambda at: Template("{x} {y} {y}"), ["2 times {y}", "exactly once"]),
    "field": (lambda at: Template("{x} {z} {y}"), ["{z}", "{x}, {y} and {soft:N}"]),
    "no slots": (lambda at: Template("{soft:0}{x}{y}"), ["{soft:0}", "at least 1"]),
    "slots of no number": (lambda at: Template("{soft}{x}{y}"), ["{soft}", "{soft:N}"]),
    "brace": (lambda at: Template("{x} {y"), ["'{x} {y'", "{{ or }}"]),
    "slot after the answer": (lambda at: Template("{x} {y}{soft:3}"), ["{soft}", "before {y}"]),
    "text after the answer": (lambda at: Template("{y}: {x}"), ["'{y}: {x}'", "before {y}"]),
    "template of a method": (
        lambda at: at.create("in_context", template="Review: {x}"),
        ["'Review: {x}'", "0 times {y}"],
    ),
    "slots without p-tuning": (
        lambda at: at.create("prefix_tuning", template="{soft:2}{x} {y}"),
        ["prefix_tuning", "'{soft:2}{x} {y}'", "p_tuning"],
    ),
    "p-tuning without slots": (
        lambda at: at.create("p_tuning", template="{x} {y}"),
        ["'{x} {y}'", "{soft:3}"],
    ),
    "one answer": (lambda at: Verbalizer(("good",)), ["at least two", "['good']"]),
    "empty answer": (lambda at: Verbalizer(("good", " ")), ["label 1", "empty"]),
    "no answer space": (
        lambda at: pl.predict(
            at.lm, at.create("discrete_prompt"), replace(at.task, verbalizer=None), ["good"]
        ),
        ["films", "no answer space"],
    ),
    # Data of one's own.
    "no file": (
        lambda at: Task.from_csv(at.folder / "none.csv", text="x", label="y"),
        ["none.csv", "No such file", "UTF-8"],
    ),
    "empty file": (lambda at: at.csv(""), ["mine.csv", "cannot be read", "header line"]),
    "no rows": (lambda at: at.csv("review,taste\n"), ["mine has 0 rows", "at least 10"]),
    "binary file": (
        lambda at: at.csv(b"PK\x03\x04\xff\xfe\x00,\x81\n\x00"),
        ["mine.csv", "cannot be read", "UTF-8"],
    ),
    "ragged file": (
        lambda at: at.csv("review,taste\nfine,good\nso,so,bad\n"),
        ["mine.csv", "cannot be read", "line 3"],
    ),
    "one class": (
        lambda at: at.csv("review,taste\n" + "fine,good\n" * 20),
        ["mine", "one class", "'good'"],
    ),
    "no column": (
        lambda at: at.csv("review,taste\n" + ROWS, label="label"),
        ["mine", "'label'", "review, taste"],
    ),
    "empty cell": (
        lambda at: at.csv("review,taste\n" + ROWS + "film,\n"),
        ["mine", "1 empty cell", "'taste'", "row 21"],
    ),
    "label without a word": (
        lambda at: at.csv("review,taste\n" + ROWS, words={"good": "great"}),
        ["no answer", "bad"],
    ),
    "template of a file": (
        lambda at: at.csv("review,taste\n" + ROWS, template="{review}: {y}"),
        ["{review}", "the fields are"],
    ),
    # Tables to put into words.
    "no tables": (lambda at: at.tables("mr,ref\n"), ["places has 0 different tables", "fewer"]),
    "more tables than there are": (lambda at: at.tables(test=5), ["6 different tables", "5 to"]),
    "more pairs than there are": (lambda at: at.tables(train=7), ["6 pairs", "train from 1 to 6"]),
    "no tables to test on": (lambda at: at.tables(test=0), ["test=0", "at least 1"]),
    "no column of texts": (
        lambda at: at.tables("mr,text\na[b],c\n"),
        ["places has no column 'ref'", "mr, text"],
    ),
    "a table without its text": (
        lambda at: at.tables(TABLES + "name[N9],\n"),
        ["1 empty cell", "'ref'", "row 13"],
    ),
    "more restaurants than there are": (
        lambda at: pl.tasks.load("restaurants"),
        ["restaurants has 100 tables", "test from 1 to 100"],
    ),
    "texts without references": (
        lambda at: pl.judge_texts(["one", "two"], {"name[A]": ["A."]}),
        ["2 texts", "1 tables"],
    ),
    # One model, many tasks.
    "task without a prompt": (
        lambda at: pl.serve(at.lm, {"films": (at.create("prompt_tuning"), at.task)}, [("x", "a")]),
        ["no prompt for the task 'x'", "there is one for films", "load_method"],
    ),
    "batch with a missing prompt": (
        lambda at: pl.mixed_scores(at.lm, [(None, at.task, at.task.test)]),
        ["request for films has no prompt", "load_method"],
    ),
    "batch with a prompt of another model": (
        lambda at: pl.mixed_scores(at.other, [(at.create("prompt_tuning"), at.task, at.task.test)]),
        ["made for tiny-gpt2", "not for tiny-llama"],
    ),
    "batch with another model's weights": (
        lambda at: pl.mixed_scores(at.lm, [(at.create("fine_tuning"), at.task, at.task.test)]),
        ["fine_tuning changes what the model computes for every row", "by itself"],
    ),
    "batch with positions that count": (
        lambda at: pl.mixed_scores(at.lm, [(at.create("adaptive_prefix"), at.task, at.task.test)]),
        ["adaptive_prefix changes what the model computes for every row", "by itself"],
    ),
    "batch with a kernel": (
        lambda at: pl.mixed_scores(at.lm, [(at.create("convolution"), at.task, at.task.test)]),
        ["convolution changes what the model computes for every row", "by itself"],
    ),
    "batch of free text to choose from": (
        lambda at: pl.serve(at.lm, {"t": (None, replace(at.task, verbalizer=None))}, [("t", "a")]),
        ["films", "no answer space"],
    ),
    "empty ensemble": (
        lambda at: pl.ensembles.member_scores(at.lm, [], at.task, at.task.test),
        ["at least one prompt", "other seeds"],
    ),
    "empty mixture": (lambda at: pl.mixture(), ["at least one task"]),
    "mixture with soft slots": (
        lambda at: pl.mixture(replace(at.task, template=Template("{soft:2}{x} {y}"))),
        ["'{soft:2}{x} {y}'", "remove"],
    ),
    "mixture with other spaces": (
        lambda at: pl.mixture(at.task, replace(at.task, template=Template("{x}:{y}"))),
        ["space before {y}", "{x}:{y}"],
    ),
    "mixture of choices and free text": (
        lambda at: pl.mixture(at.task, replace(at.task, name="tables", verbalizer=None)),
        ["films + tables", "free text", "apart"],
    ),
    # Generation.
    "text beyond the positions": (
        lambda at: at.generate(max_new_tokens=500),
        ["max_new_tokens=500", "128 positions of tiny-gpt2", "choose at most"],
    ),
    "prompt beyond the positions": (lambda at: at.generate("x" * 200), ["of text", "shorten"]),
    "strategy": (lambda at: at.generate(strategy="random"), ["'random'", "greedy, beam, sample"]),
    "no beams": (lambda at: at.generate(strategy="beam", beams=0), ["beams=0", "from 1 to 64"]),
    "cold": (lambda at: at.generate(temperature=0.0), ["temperature=0.0", "0.01 to 10"]),
    "decoding": (lambda at: at.generate(top_k=5), ["generate", "'top_k'", "top_p"]),
    "a head that should write": (
        lambda at: pl.generate(at.lm, at.create("linear_probe"), at.task, ["dull"]),
        ["linear_probe", "trained head", "answers in words"],
    ),
    "an encoder that should write": (Given.encoder, ["bert", "encoder", "causal model"]),
    # Demonstrations.
    "more demonstrations than examples": (
        lambda at: at.create("in_context", demonstrations=17),
        ["demonstrations=17", "16 training examples", "0 to 16"],
    ),
    "more demonstrations than positions": (
        lambda at: at.create("in_context", demonstrations=16),
        ["128 positions of tiny-gpt2", "demonstrations"],
    ),
    "order": (
        lambda at: at.create("in_context", demonstrations=3, order=6),
        ["order=6", "3 demonstrations", "0 to 5"],
    ),
    # Training and checkpoints.
    "nothing to train": (lambda at: at.train("in_context"), ["in_context", "nothing to train"]),
    "patience without validation": (
        lambda at: at.train("prompt_tuning", patience=2),
        ["patience", "validate_every"],
    ),
    "optimizer": (
        lambda at: at.train("prompt_tuning", optimizer="sgd"),
        ["optimizer='sgd'", "adamw, adafactor"],
    ),
    "no steps": (lambda at: at.train("prompt_tuning", steps=0), ["steps=0", "from 1"]),
    "recipe": (lambda at: at.train("prompt_tuning", epochs=3), ["'epochs'", "steps"]),
    "backbone of a checkpoint": (Given.on_another_backbone, ["tiny-gpt2", "tiny-llama"]),
}

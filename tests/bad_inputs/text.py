"""Mistakes with templates, answers, demonstrations, layers and texts to be judged."""

from dataclasses import replace

import prefixlab as pl
from bad_inputs import Given, Mistakes
from prefixlab import Template, Verbalizer
from prefixlab.data.examples import dataset
from prefixlab.methods.prefix_tuning import parse_layers

GPT2 = pl.geometry("gpt2")
THREE = replace(GPT2, layers=3)
LONE = "\ud83d"  # half of an emoji


def classes(at: Given, count: int) -> pl.Task:
    words = tuple(f"class {number}" for number in range(count))
    train = dataset([(f"text {number}", number) for number in range(count)])
    return replace(at.task, train=train, verbalizer=Verbalizer(words))


def of_free_text(at: Given) -> pl.Method:
    tables = replace(at.task, name="tables", verbalizer=None)
    return pl.create("in_context", at.lm, tables, demonstrations=2, labels="random")


MISTAKES: Mistakes = {
    "demonstrations with a control token": (
        lambda at: at.create("in_context", template="<end>{x} so {y}"),
        ["'<end>{x} so {y}'", "control token <end>", "discrete_prompt"],
    ),
    # Templates.
    "template of no text": (lambda at: Template(None), ["template", "NoneType", "give a str"]),
    "template of bytes": (lambda at: Template(b"{x} {y}"), ["template", "bytes", "give a str"]),
    "template with half a character": (
        lambda at: Template(f"{LONE} {{x}} {{y}}"),
        ["template", "lone surrogate, U+D83D", "place 0", "remove it"],
    ),
    "a conversion of the text": (
        lambda at: Template("{x!r} {y}"),
        ["'{x!r} {y}'", "unknown field {x!r}", "the fields are {x}, {y}"],
    ),
    "a format of the answer": (lambda at: Template("{x} {y:>3}"), ["unknown field {y:>3}"]),
    "a field in a field": (lambda at: Template("{x:{y}}{y}"), ["unknown field {x:{y}}"]),
    "a field without a name": (lambda at: Template("{} {x} {y}"), ["unknown field {}"]),
    "a number of slots that is none": (lambda at: Template("{soft:2.5}{x}{y}"), ["{soft:2.5}"]),
    "a billion slots": (
        lambda at: Template("{soft:1000000000}{x} {y}"),
        ["more than 1000 soft slots", "lower N"],
    ),
    "slots of ten thousand digits": (
        lambda at: Template(f"{{soft:{'9' * 10_000}}}{{x}} {{y}}"),
        ["more than 1000 soft slots", "…"],
    ),
    "many slots in many places": (
        lambda at: Template("{soft:300}" * 4 + "{x} {y}"),
        ["more than 1000 soft slots in all"],
    ),
    "a long template without an answer": (
        lambda at: Template("{x}" + "so " * 1_000_000),
        ["0 times {y}", "…", "exactly once"],
    ),
    # Answers.
    "answers of one text": (lambda at: Verbalizer("bad"), ["words='bad'", "letters", "['bad']"]),
    "answers that are numbers": (
        lambda at: Verbalizer((0, 1)),
        ["words[0]", "type int (0)", "give a str"],
    ),
    "answers of nothing": (lambda at: Verbalizer(None), ["words=None", "no list of texts"]),
    "an answer that is missing": (lambda at: Verbalizer(("good", None)), ["words[1]", "NoneType"]),
    "an answer twice": (
        lambda at: Verbalizer(("bad", "good", "bad")),
        ["'bad'", "label 0", "label 2", "a word of its own"],
    ),
    "an answer of half a character": (
        lambda at: Verbalizer(("good", f"b{LONE}")),
        ["words[1]", "U+D83D", "place 1"],
    ),
    # Demonstrations.
    "random labels of free text": (of_free_text, ["labels='random'", "tables", "choose 'true'"]),
    "outside words for more classes than there are": (
        lambda at: pl.create("in_context", at.lm, classes(at, 50), labels="outside"),
        ["labels='outside'", "32 classes", "there are 50", "'true' or 'random'"],
    ),
    # Layers.
    "far layers": (
        lambda at: parse_layers("0-99999999999", GPT2),
        ["'0-99999999999'", "from 0 to 11"],
    ),
    "a range of three ends": (lambda at: parse_layers("0-1-2", GPT2), ["'0-1-2'", "such as 0-5"]),
    "a range that goes back": (lambda at: parse_layers("0,2-1", GPT2), ["'0,2-1'", "with '2-1'"]),
    "more layers than there are": (
        lambda at: parse_layers("first:4", THREE),
        ["'first:4'", "first:3, last:3", "0 to 2, such as 0-1,2"],
    ),
    "no layer in between": (lambda at: parse_layers("0,,1", GPT2), ["'0,,1'", "with ''"]),
    "layers that are a number": (lambda at: parse_layers(3, GPT2), ["layers", "type int (3)"]),
    "layers of many digits": (
        lambda at: parse_layers("first:" + "9" * 10_000, GPT2),
        ["'first:999", "…", "first:4"],
    ),
    # Texts to be judged.
    "one text to judge": (
        lambda at: pl.judge_texts("A pub.", {"name[A]": ["A pub."]}),
        ["texts='A pub.'", "letters", "['A pub.']"],
    ),
    "no texts to judge": (lambda at: pl.judge_texts([], {}), ["0 texts", "0 tables"]),
    "a text that is none": (
        lambda at: pl.judge_texts([None], {"name[A]": ["A."]}),
        ["texts[0]", "NoneType", "give a str"],
    ),
    "one reference as a text": (
        lambda at: pl.judge_texts(["A pub."], {"name[A]": "A pub."}),
        ["references['name[A]']='A pub.'", "letters", "['A pub.']"],
    ),
    "a table without references": (
        lambda at: pl.judge_texts(["A pub."], {"name[A]": []}),
        ["references['name[A]']=[]", "at least one"],
    ),
    "an empty reference": (
        lambda at: pl.judge_texts(["A pub."], {"name[A]": ["A.", " "]}),
        ["references['name[A]']", "no empty one"],
    ),
    "references in a list": (
        lambda at: pl.judge_texts(["A pub."], [["A pub."]]),
        ["references=[['A pub.']]", "tasks.references(task.test)"],
    ),
    "a table that is a number": (
        lambda at: pl.judge_texts(["A pub."], {7: ["A pub."]}),
        ["a table", "type int (7)"],
    ),
}

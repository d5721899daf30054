"""What a trained method did: to a sentence, to its virtual tokens, to where attention goes."""

from html import escape

from prefixlab.data.task import Task
from prefixlab.evaluation.choices import predict
from prefixlab.methods import Method, PrefixTuning
from prefixlab.methods.prefix_tuning import attention_mass
from prefixlab.methods.prompt_tuning import nearest_tokens
from prefixlab.models.backbone import Backbone
from prefixlab.workbook import figures
from prefixlab.workbook.language import gettext
from prefixlab.workbook.panels.tables import bar, table

ROWS = 12  # virtual tokens in the table; with fifty of them the first tell enough


def before_and_after(lm: Backbone, task: Task, before: Method, after: Method, sentence: str) -> str:
    """The answers' probabilities for a sentence, at the start of training and now, as HTML."""
    assert task.verbalizer is not None
    chances = [predict(lm, method, task, [sentence])[0].tolist() for method in (before, after)]
    rows = (
        [f"<code>{escape(repr(answer))}</code>", *map(bar, both)]
        for answer, *both in zip(task.verbalizer.words, *chances, strict=True)
    )
    return table(rows, ("", gettext("before training"), gettext("now")))


def virtual_tokens(lm: Backbone, method: Method) -> str:
    """The nearest words of each virtual token, as an HTML table; nothing for a method without."""
    virtual = method.conditioning().virtual
    if virtual is None:
        return ""
    rows = (
        [
            str(number),
            *(f"<code>{escape(repr(token))}</code> {cosine:.2f}" for token, cosine in near),
        ]
        for number, near in enumerate(nearest_tokens(lm, virtual[:ROWS], k=4), 1)
    )
    more = gettext("… and {count} more").format(count=len(virtual) - ROWS)
    title = gettext("Virtual token, and the words nearest to it, with the cosine")
    rest = f"<div>{more}</div>" if len(virtual) > ROWS else ""
    return f"<div><b>{title}</b></div>{table(rows)}{rest}"


def attention(lm: Backbone, method: Method, sentence: str) -> bytes:
    """How much attention the last position pays to the prefix, by layer and head, as PNG."""
    if not isinstance(method, PrefixTuning):
        return b""
    asked = "".join(str(part) for part in method.template.prompt(sentence))
    return figures.png(
        figures.heatmap(
            attention_mass(lm, method, asked),
            xlabel="head",
            ylabel="layer",
            label="attention on the prefix",
            title="From the last position, for your sentence",
        )
    )

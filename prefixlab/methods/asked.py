"""Asked: what a method is asked, and a plain question where no task is at hand."""

from dataclasses import dataclass

from prefixlab.data.template import Template


@dataclass(frozen=True)
class Asked:
    """What a method is asked, as a checkpoint keeps it: a task without its examples."""

    task: str
    template: Template  # what examples are rendered by, soft slots included
    answers: tuple[str, ...]  # in the order of their labels; none for free text


# Where no task is at hand: what a cost is counted for, and a picture shows.
PLAIN = Asked("a sketch", Template("Review: {x}\nSentiment: {y}"), ("negative", "positive"))

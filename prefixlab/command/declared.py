"""Declared: an option for every knob, made from the knob's declaration."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from prefixlab.command.answering import Answering

if TYPE_CHECKING:
    from prefixlab.methods.knobs import Knobs


class Knobbed(Answering):
    """A command whose callback is given knobs, each kind whole.

    `kinds` gives the kinds by the names of the callback's arguments. It is asked only when the
    command itself is: what declares knobs takes seconds to load.
    """

    def __init__(
        self, *given: Any, kinds: Callable[[], Mapping[str, "type[Knobs]"]], **options: Any
    ):
        super().__init__(*given, **options)
        self.kinds = kinds

    @cached_property
    def knobs(self) -> dict[str, list[click.Option]]:
        """The options of every kind."""
        taken = {flag for param in self.params for flag in param.opts}
        return {
            name: [option_of(name, declared, taken) for declared in kind.declared()]
            for name, kind in self.kinds().items()
        }

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        return [*own, *(option for options in self.knobs.values() for option in options)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: Iterable[click.Parameter] = super().get_params(ctx)
        sections = {"Options": own}
        sections |= {f"Knobs of the {name}": options for name, options in self.knobs.items()}
        for title, params in sections.items():
            told = [one.get_help_record(ctx) for one in params if isinstance(one, click.Option)]
            with formatter.section(title):
                formatter.write_dl([line for line in told if line])

    def invoke(self, ctx: click.Context) -> None:
        for name, kind in self.kinds().items():
            given = {one.name: ctx.params.pop(f"{name}_{one.name}") for one in kind.declared()}
            ctx.params[name] = kind(**given)
        super().invoke(ctx)


def option_of(kind: str, declared: Field, taken: set[str]) -> click.Option:
    """The option of a knob; `--knob-text`, for one, where the command has a `--text` of its own."""
    words, default = declared.name.replace("_", "-"), declared.default
    if f"--{words}" in taken:
        words = f"knob-{words}"
    about = declared.metadata
    return click.Option(
        [
            f"--{words}/--no-{words}" if isinstance(default, bool) else f"--{words}",
            f"{kind}_{declared.name}",
        ],
        type=type_of(declared),
        default=default,
        show_default=default != "",
        metavar=about["unit"].upper() or None,
        help=f"{about['help'][:1].upper()}{about['help'][1:]}.",
    )


def type_of(declared: Field) -> click.ParamType:
    """What an option's value may be: the type of the default, the range, the choices."""
    default, about = declared.default, declared.metadata
    if about["choices"]:
        return click.Choice(about["choices"])
    if isinstance(default, bool):
        return click.BOOL
    if isinstance(default, int):
        return click.IntRange(about["low"], about["high"])
    if isinstance(default, float):
        return click.FloatRange(about["low"], about["high"])
    return click.STRING

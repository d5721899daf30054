"""A panel for ensembles: how many prompts are combined, and on sentences of which domain."""

from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from itertools import combinations
from statistics import mean

import ipywidgets as widgets
from torch import Tensor

from prefixlab.serving.ensembles import majority_vote, mean_probability
from prefixlab.workbook import figures
from prefixlab.workbook.panels.base import WIDE, Panel, plot
from prefixlab.workbook.panels.prediction import Prediction

VOTE = "majority vote"
WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    VOTE: majority_vote,
    "mean probability": lambda scored: mean_probability(scored).argmax(-1),
}


class EnsemblePanel(Panel):
    """The accuracy of every ensemble that some prompts can form, beside the prompts alone.

    Parameters
    ----------
    scored
        By the name of a domain, what each prompt scores the answers, [prompts, examples, answers].
    labels
        By the name of a domain, the right answers, [examples].
    source
        Where the scores come from, in words.

    Raises
    ------
    ValueError
        Fewer than two prompts: there is nothing to combine. No domain.
    """

    def __init__(self, scored: Mapping[str, Tensor], labels: Mapping[str, Tensor], source: str):
        if not scored:
            raise ValueError("An ensemble needs scores of at least one domain; there are none.")
        home = next(iter(scored))
        prompts = len(scored[home])
        if prompts < 2:
            raise ValueError(f"An ensemble needs at least two prompts, not {prompts}; train more.")
        super().__init__()
        self.scored, self.labels, self.source = scored, labels, source
        self.controls = {
            "prompts": widgets.IntSlider(
                value=1, min=1, max=prompts, description="prompts", continuous_update=False, **WIDE
            ),
            "domain": widgets.Dropdown(options=list(scored), description="tested on", **WIDE),
            "way": widgets.Dropdown(options=list(WAYS), description="combined by", **WIDE),
        }
        self.words, self.plot = widgets.HTML(), plot()
        self.accuracies, self.picture_of = cache(self.count), cache(self.draw)
        self.show()
        for widget in self.controls.values():
            widget.observe(self.show, "value")
        ask = Prediction(
            f"{prompts} prompts, trained apart on the same sentences, answer {named(home)} by "
            "majority vote. How far is the vote above the average prompt, in accuracy?",
            lambda: 100 * (mean(self.accuracies(home, VOTE, prompts)) - self.alone(home)),
            "A vote mends the mistakes that the prompts do not share. Where they err together, "
            "nobody is there to outvote them.",
            [*self.controls.values(), self.words, self.plot],
            most=10,
        )
        self.children = [ask]

    def plots(self) -> list[widgets.Image]:
        return [self.plot]

    def count(self, domain: str, way: str, size: int) -> list[float]:
        """The accuracy of every ensemble of so many prompts."""
        scored, right = self.scored[domain], self.labels[domain]
        return [
            (WAYS[way](scored[list(members)]) == right).float().mean().item()
            for members in combinations(range(len(scored)), size)
        ]

    def alone(self, domain: str) -> float:
        """The mean accuracy of the prompts by themselves."""
        return mean(self.accuracies(domain, VOTE, 1))

    def show(self, change: object = None) -> None:
        """Draw and describe the ensembles as the controls stand."""
        size, domain, way = (widget.value for widget in self.controls.values())
        self.plot.value = self.picture_of(domain, way, size)
        found, best = self.accuracies(domain, way, size), max(self.accuracies(domain, way, 1))
        lines = [
            f"{len(found)} times {size} of {len(self.scored[domain])} prompts: accuracy "
            f"{mean(found):.3f} on average, {min(found):.3f} to {max(found):.3f}.",
            f"One prompt alone: {self.alone(domain):.3f} on average, the best {best:.3f}.",
            f"{len(self.labels[domain])} {named(domain)}; {self.source}.",
        ]
        self.words.value = "".join(f"<div>{escape(line)}</div>" for line in lines)

    def draw(self, domain: str, way: str, size: int) -> bytes:
        """All ensembles of up to so many prompts, a dot each."""
        groups = {
            f"{number} prompt{'s' * (number > 1)}": self.accuracies(domain, way, number)
            for number in range(1, size + 1)
        }
        title = f"Trained on {named(next(iter(self.scored)))}, tested on {named(domain)}"
        return figures.png(
            figures.spread(groups, xlabel="accuracy", dot="one ensemble", title=title)
        )


def named(domain: str) -> str:
    return domain.replace("_", " ")

"""What goes wrong in a training loop, whatever is trained: the mistakes, as loops that make them.

A loop gets a model, a prompt, examples, a number of steps and a rate, and returns the loss of each
step. It is an answer like any other: what it returns, how it leaves the prompt and how it leaves
the model are compared with what the reference does, so that it does not matter how it is written.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from prefixlab.workbook.checks.exercise import Mistake

Examples = Sequence[Any]
Loss = Callable[[Any, nn.Parameter, Examples], Tensor]  # (model, prompt, examples) -> their mean
Loop = Callable[[Any, nn.Parameter, Examples, int, float], list[float]]
Step = Callable[[Optimizer, Tensor], None]


def right_step(optimizer: Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def loop(
    loss_of: Loss,
    step: Step = right_step,
    *,
    optimizer: Callable[..., Optimizer] = AdamW,
    trained: Callable[[Any, nn.Parameter], Any] = lambda model, prompt: [prompt],
    anew: bool = False,
    sign: int = 1,
) -> Loop:
    """A loop in which one thing may be another than in the right one.

    `trained` says what the optimizer gets, `anew` makes the optimizer in every step, `sign` is what
    the losses are noted with.
    """

    def train(
        model: Any, prompt: nn.Parameter, examples: Examples, steps: int, rate: float
    ) -> list[float]:
        chosen = optimizer(trained(model, prompt), lr=rate)
        losses = []
        for _ in range(steps):
            if anew:
                chosen = optimizer(trained(model, prompt), lr=rate)
            loss = loss_of(model, prompt, examples)
            step(chosen, loss)
            losses.append(sign * loss.item())
        return losses

    return train


def mistakes_of_a_loop(loss_of: Loss) -> tuple[Mistake, ...]:
    """The mistakes that any loop can have, for the loss that the right one takes."""

    def each_by_itself(
        model: Any, prompt: nn.Parameter, examples: Examples, steps: int, rate: float
    ) -> list[float]:
        """A step for each example, and all of them as often as there are steps."""
        return in_turn(model, prompt, examples, steps * len(examples), rate)

    def means_of_each(
        model: Any, prompt: nn.Parameter, examples: Examples, steps: int, rate: float
    ) -> list[float]:
        losses = each_by_itself(model, prompt, examples, steps, rate)
        n = len(examples)
        return [sum(losses[n * step : n * step + n]) / n for step in range(steps)]

    def in_turn(
        model: Any, prompt: nn.Parameter, examples: Examples, steps: int, rate: float
    ) -> list[float]:
        """One example in each step."""
        optimizer = AdamW([prompt], lr=rate)
        losses = []
        for step in range(steps):
            loss = loss_of(model, prompt, [examples[step % len(examples)]])
            right_step(optimizer, loss)
            losses.append(loss.item())
        return losses

    def of_a_copy(
        model: Any, prompt: nn.Parameter, examples: Examples, steps: int, rate: float
    ) -> list[float]:
        copied = nn.Parameter(prompt.detach().clone())
        return loop(loss_of)(model, copied, examples, steps, rate)

    uphill = (
        "the loss is to fall, and yours rises: the optimizer goes down whatever `backward()` was "
        "called on, so call it on the loss itself, not on its negative."
    )
    forgets = (
        "you make the optimizer inside the loop: AdamW then forgets its running means in every "
        "step. Make it once, before the loop."
    )
    one_by_one = (
        "each example makes a step of its own; one step takes all examples: the mean of their "
        "losses, one `backward()`, one `step()`."
    )
    return (
        Mistake(
            "no zero_grad",
            loop(loss_of, _without_zero_grad),
            "each step still carries the gradients of all steps before it, for `backward()` adds "
            "to `.grad`: call `optimizer.zero_grad()` once in every step, before `backward()`.",
        ),
        Mistake(
            "never moves",
            loop(loss_of, lambda optimizer, loss: loss.backward()),
            "the prompt stays as it was and the loss is the same in all steps: `step()` must come "
            "after `backward()`, with no `zero_grad()` between them.",
        ),
        Mistake(
            "step before backward",
            loop(loss_of, _step_first),
            "your `step()` comes before `backward()`, so each step uses the gradient of the step "
            "before; the order is `zero_grad()`, `backward()`, `step()`.",
        ),
        Mistake("gradient ascent", loop(loss_of, _uphill), uphill),
        Mistake("gradient ascent", loop(loss_of, _uphill, sign=-1), uphill),
        Mistake(
            "the model trained too",
            loop(loss_of, trained=lambda model, prompt: [prompt, *model.parameters()]),
            "your optimizer also has the model's weights; they are frozen, and the prompt alone "
            "is trained: `AdamW([prompt], lr=rate)`.",
        ),
        Mistake(
            "the model trained instead",
            loop(loss_of, trained=lambda model, prompt: model.parameters()),
            "your optimizer has the model's weights and not the prompt: `AdamW([prompt], "
            "lr=rate)`.",
        ),
        Mistake("optimizer made anew", loop(loss_of, anew=True), forgets),
        Mistake("optimizer made anew", loop(loss_of, _without_zero_grad, anew=True), forgets),
        Mistake(
            "no rate",
            loop(loss_of, optimizer=lambda trained, lr: AdamW(trained)),
            "the optimizer does not get the rate: `AdamW([prompt], lr=rate)`.",
        ),
        Mistake(
            "plain gradient descent",
            loop(loss_of, optimizer=SGD),
            "you use SGD, whose step is as long as the gradient times the rate; asked is AdamW.",
        ),
        Mistake(
            "Adam",
            loop(loss_of, optimizer=Adam),
            "you use Adam; AdamW also pulls each number a little towards zero (weight decay).",
        ),
        Mistake("a step for each example", each_by_itself, one_by_one),
        Mistake("a step for each example", means_of_each, one_by_one),
        Mistake("one example a step", in_turn, one_by_one),
        Mistake(
            "a copy trained",
            of_a_copy,
            "your losses are right, but the prompt is as it was: you train a copy of it. Give the "
            "optimizer `prompt` itself.",
        ),
    )


def _without_zero_grad(optimizer: Optimizer, loss: Tensor) -> None:
    loss.backward()
    optimizer.step()


def _step_first(optimizer: Optimizer, loss: Tensor) -> None:
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()


def _uphill(optimizer: Optimizer, loss: Tensor) -> None:
    right_step(optimizer, -loss)

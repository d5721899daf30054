"""Generation: free text, token by token, from a frozen model and whatever conditions it.

    y_t ~ p(y | x, y_<t) = softmax(W h_{t-1})        (Li & Liang 2021, section 3.1)

Greedy decoding takes the most probable token, sampling draws one, beam search follows several
texts at a time. The keys and values of all that was read are kept, so that a step costs one token.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from prefixlab import arguments
from prefixlab.arguments import LARGEST_SEED
from prefixlab.data.batching import Row, evaluation_order
from prefixlab.data.examples import dataset
from prefixlab.data.task import Task
from prefixlab.methods import Method
from prefixlab.methods.base import check_together
from prefixlab.methods.knobs import Knobs, knob
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.kv_cache import KVCache


@dataclass(frozen=True)
class Decoding(Knobs):
    """How to choose the tokens; the same knobs for every method."""

    strategy: str = knob(
        "greedy",
        "the most probable token, the most probable of several texts, or a token drawn",
        choices=("greedy", "beam", "sample"),
    )
    max_new_tokens: int = knob(64, "where a text is cut", low=1, high=4096, unit="tokens")
    beams: int = knob(5, "texts that beam search follows at a time", low=1, high=64, unit="texts")
    length_penalty: float = knob(
        1.0,
        "beam search divides log p by length ** this: more favours longer texts",
        low=-5,
        high=5,
    )
    temperature: float = knob(
        1.0, "sampling divides the logits by this: less is nearer to greedy", low=0.01, high=10
    )
    top_p: float = knob(
        1.0, "sampling draws from the fewest tokens that have this probability", low=0.001, high=1
    )
    seed: int = knob(0, "what sampling draws", low=0, high=LARGEST_SEED)


def generate(
    lm: Backbone, method: Method, task: Task, texts: Sequence[str], **options: Any
) -> list[str]:
    """The text that the model writes for every input, in the given order.

    Parameters
    ----------
    texts
        The inputs that the method's template is filled with, such as the tables of
        `tasks.references(task.test)`.
    **options
        `batch_size`, `decoding`, and the knobs of `Decoding` by name: `strategy="beam", beams=5`.

    Raises
    ------
    ValueError
        A method or a model that cannot generate, or of which one was not made for the other; a
        knob out of range; one text instead of a list; a text that leaves no room for
        `max_new_tokens`.
    """
    written: list[str] = []
    for written in generating(lm, method, task, texts, **options):  # noqa: B007
        pass
    return written


@torch.no_grad()
def generating(
    lm: Backbone,
    method: Method,
    task: Task,
    texts: Sequence[str],
    *,
    decoding: Decoding | None = None,
    batch_size: int = 32,
    **knobs: Any,
) -> Iterator[list[str]]:
    """As `generate`, handed out after every batch, for whoever must not wait for all of them.

    It is the same list each time; texts that are not written yet are empty.
    """
    check_together(lm, method, task)
    how = Decoding.of("generate", arguments.knobs_of("decoding", decoding, Decoding) | knobs)
    batch_size = arguments.whole_number("batch_size", batch_size, 1)
    examples = dataset([(text, "") for text in arguments.texts("texts", texts)])
    given = method.conditioning()  # once for all batches
    check_can_generate(lm, method, given)
    rows = method.rows(lm, examples, replace(task, verbalizer=None))
    check_room(lm, given, rows, how)
    ends = torch.tensor(method.ends(lm), device=lm.device)
    written = [""] * len(rows)
    for chosen in evaluation_order(rows, batch_size):
        tokens, mask = lm.pad([rows[index].prompt for index in chosen])
        logits, cache = lm.prefill(tokens.to(lm.device), mask.to(lm.device), given)
        if how.strategy == "beam":
            answers = beam_search(lm, cache, logits, ends, how)
        else:
            # A source of chance for every text: it does not matter in which batch it is.
            sources = [torch.Generator().manual_seed(how.seed * 1_000_003 + i) for i in chosen]
            answers = one_by_one(lm, cache, logits, ends, how, sources)
        for index, ids in zip(chosen, answers, strict=True):
            written[index] = str(lm.tokenizer.decode(ids, skip_special_tokens=True)).strip()
        yield written


def one_by_one(
    lm: Backbone,
    cache: KVCache,
    logits: Tensor,
    ends: Tensor,
    how: Decoding,
    sources: Sequence[torch.Generator],
) -> list[list[int]]:
    """Greedy decoding or sampling: a token is chosen for good. `logits` is [rows, vocabulary]."""
    written: list[list[int]] = [[] for _ in sources]
    going = list(range(len(sources)))  # the rows that have not ended
    while True:
        if how.strategy == "greedy":
            tokens = logits.argmax(-1)  # [rows]
        else:
            tokens = sample(logits, how, [sources[row] for row in going])
        still = (~torch.isin(tokens, ends)).nonzero()[:, 0]
        going = [going[place] for place in still.tolist()]
        tokens = tokens[still]
        for row, token in zip(going, tokens.tolist(), strict=True):
            written[row].append(token)
        if not going or len(written[going[0]]) == how.max_new_tokens:
            return written
        if len(going) < len(cache.tokens):  # or nothing need be copied
            cache.keep(still)
        logits = lm.decode(cache, tokens)


def sample(logits: Tensor, how: Decoding, sources: Sequence[torch.Generator]) -> Tensor:
    """A token for each row, drawn from softmax(logits / temperature) cut to its nucleus. [rows]"""
    likely = nucleus((logits / how.temperature).softmax(-1), how.top_p).cpu()
    drawn = [
        torch.multinomial(row, 1, generator=source)
        for row, source in zip(likely, sources, strict=True)
    ]
    return torch.cat(drawn).to(logits.device)


def nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """The fewest tokens that together have at least `top_p`; the others get none.

    Holtzman et al. (2020), section 3.1: the tail of unlikely tokens is long enough to be drawn
    from often, and one bad token spoils what follows. [rows, vocabulary]
    """
    ordered, places = probabilities.sort(dim=-1, descending=True)
    more_likely = ordered.cumsum(-1) - ordered  # what the tokens before it have already
    ordered = ordered.masked_fill(more_likely >= top_p, 0)
    return torch.zeros_like(probabilities).scatter(-1, places, ordered)


def beam_search(
    lm: Backbone, cache: KVCache, logits: Tensor, ends: Tensor, how: Decoding
) -> list[list[int]]:
    """The best of the texts found by following several at a time. `logits` is [rows, vocabulary].

    A text is as good as log p(y | x) / length ** length_penalty. At each step every beam is
    continued by every token; those of the best that end are finished, and the best that do not
    are the beams of the next step. A row is done when it has as many finished texts as beams and
    its best beam is no better than the worst of them.
    """
    beams, prompt = how.beams, cache.tokens.shape[1]
    finished: list[list[tuple[float, list[int]]]] = [[] for _ in logits]  # best first
    going = list(range(len(logits)))  # the rows that are not done
    totals = logits.new_full((len(going), beams), float("-inf"))  # log p of each beam
    totals[:, 0] = 0  # all beams begin with the same nothing: one of them may go on
    cache.keep(torch.arange(len(going), device=logits.device).repeat_interleave(beams))
    logits = logits.repeat_interleave(beams, dim=0)  # [rows * beams, vocabulary]
    for length in range(1, how.max_new_tokens + 1):
        log_p = logits.log_softmax(-1).view(len(going), beams, -1)
        continued = (totals[:, :, None] + log_p).flatten(1)  # [rows, beams * vocabulary]
        # So many that even if each beam's ends are all among the best, `beams` others are too.
        scores, places = continued.topk(min((1 + len(ends)) * beams, continued.shape[1]))
        sources, tokens = places // log_p.shape[-1], places % log_p.shape[-1]  # [rows, candidates]
        final = torch.isin(tokens, ends)
        over = final | (length == how.max_new_tokens)
        for place, rank in over[:, :beams].nonzero().tolist():
            beam = place * beams + int(sources[place, rank])
            text = [*cache.tokens[beam, prompt:].tolist(), int(tokens[place, rank])]
            of_row = finished[going[place]]
            of_row.append((scores[place, rank].item() / length**how.length_penalty, text))
            of_row.sort(key=lambda scored: -scored[0])
            del of_row[beams:]
        totals, order = scores.masked_fill(final, float("-inf")).topk(beams)  # [rows, beams]
        sources, tokens = sources.gather(1, order), tokens.gather(1, order)
        best = (totals[:, 0] / length**how.length_penalty).tolist()
        still = [
            place
            for place, row in enumerate(going)
            if len(finished[row]) < beams or best[place] > finished[row][-1][0]
        ]
        if not still or length == how.max_new_tokens:
            break
        rows = torch.tensor(still, device=logits.device)
        cache.keep((rows[:, None] * beams + sources[rows]).flatten())
        logits = lm.decode(cache, tokens[rows].flatten())
        going, totals = [going[place] for place in still], totals[rows]
    endings = set(ends.tolist())
    return [[token for token in texts[0][1] if token not in endings] for texts in finished]


def check_can_generate(lm: Backbone, method: Method, given: Conditioning) -> None:
    if lm.model.get_output_embeddings() is None:
        raise ValueError(
            f"{lm.name} is an encoder: it reads text and cannot write any; load a causal model."
        )
    if given.head is not None:
        raise ValueError(
            f"{method.name} answers by a trained head over labels, so it cannot generate text; "
            "take a method that answers in words."
        )


def check_room(lm: Backbone, given: Conditioning, rows: Sequence[Row], how: Decoding) -> None:
    """Every text must have its positions before the first is written."""
    prefix = given.past.length if given.past else 0
    longest = max((len(row.prompt) for row in rows), default=1)
    lm.geometry.check_room(prefix, longest)
    room = lm.room(prefix, longest)
    if how.max_new_tokens > room:
        raise ValueError(
            f"max_new_tokens={how.max_new_tokens} is more than the {room} that {prefix} positions "
            f"of prefix and a text of {longest} tokens leave of the {lm.geometry.positions} "
            f"positions of {lm.name}; choose at most {room}, or shorten the text."
        )

"""The exercises of lesson 06, P-tuning v2."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from prefixlab.models.geometry import Geometry, geometry
from prefixlab.workbook.checks import Exercise, Mistake

_SMOLLM2, _GPT2 = geometry("smollm2"), geometry("gpt2")


def _numbers(prefix_length: int, layers: int, labels: int, size: Geometry) -> int:
    return prefix_length * layers * 2 * size.kv_heads * size.head_dim + labels * (size.hidden + 1)


stored_numbers = Exercise(
    right=_numbers,
    probes=((10, 4, 2, _GPT2), (20, 30, 5, _SMOLLM2), (1, 1, 3, _GPT2)),
    praise="Layers that have no prefix cost nothing, and a label costs one row and a bias.",
    mistakes=(
        Mistake(
            "all layers",
            lambda p, k, c, size: _numbers(p, size.layers, c, size),
            "you counted a prefix in every layer of the model; only `layers` of them have one.",
        ),
        Mistake(
            "no bias",
            lambda p, k, c, size: _numbers(p, k, c, size) - c,
            "the head has a bias for each label beside its row.",
        ),
        Mistake(
            "one head for all labels",
            lambda p, k, c, size: _numbers(p, k, 1, size),
            "every label has a row of its own in the head.",
        ),
        Mistake(
            "no head",
            lambda p, k, c, size: _numbers(p, k, 0, size),
            "that is the prefix; the head is stored too.",
        ),
    ),
)


_SOURCE = torch.Generator().manual_seed(0)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_SOURCE)


verbalizer_as_head = Exercise(
    right=lambda output, ids, h: output[ids] @ h,
    probes=((_normal(12, 4), [3, 7], _normal(4)), (_normal(9, 6), [8, 0, 2], _normal(6))),
    praise="A verbalizer is a head whose rows are chosen, not learned.",
    mistakes=(
        Mistake(
            "probabilities over the vocabulary",
            lambda output, ids, h: (output @ h).softmax(0)[ids],
            "these are probabilities among all words; asked are the scores of the answers alone.",
        ),
        Mistake(
            "probabilities of the answers",
            lambda output, ids, h: (output[ids] @ h).softmax(0),
            "that is one step further: asked are the scores before the softmax.",
        ),
        Mistake(
            "first rows",
            lambda output, ids, h: output[: len(ids)] @ h,
            "you took the first rows of W; take those of the answers' tokens.",
        ),
        Mistake(
            "not added up",
            lambda output, ids, h: output[ids] * h,
            "you multiply number by number and stop there; a score is their sum, `W[ids] @ h`.",
        ),
    ),
)

dropped = Exercise(
    right=lambda prefix, keep, p: prefix * keep / (1 - p),
    probes=(
        (_normal(3, 4), torch.tensor([1.0, 0, 1, 1]).expand(3, 4), 0.25),
        (_normal(2, 5), (_normal(2, 5) > 0).float(), 0.5),
    ),
    praise="What is kept grows, so that the mean is the same with dropout and without.",
    mistakes=(
        Mistake(
            "no scale",
            lambda prefix, keep, p: prefix * keep,
            "what is kept must grow by 1 / (1 - p): otherwise the prefix is smaller while training "
            "than afterwards.",
        ),
        Mistake(
            "scaled by p",
            lambda prefix, keep, p: prefix * keep / p,
            "p is the share that is dropped; divide by the share that is kept.",
        ),
        Mistake(
            "kept what should go",
            lambda prefix, keep, p: prefix * (1 - keep) / (1 - p),
            "`keep` is 1 where a number stays.",
        ),
        Mistake(
            "shrunk",
            lambda prefix, keep, p: prefix * keep * (1 - p),
            "you shrink what is kept; it must grow, by 1 / (1 - p).",
        ),
    ),
)


def _layers_given(prefix: Tensor, layers: Sequence[int]) -> dict[int, tuple[Tensor, Tensor]]:
    """By the number of its layer, keys and values, [1, kv_heads, P, head_dim] each."""
    return {layer: _keys_and_values(prefix, place) for place, layer in enumerate(layers)}


def _keys_and_values(prefix: Tensor, place: int) -> tuple[Tensor, Tensor]:
    keys, values = prefix[:, place].unbind(1)  # each [P, kv_heads, head_dim]
    return keys.transpose(0, 1)[None], values.transpose(0, 1)[None]


layers_given = Exercise(
    right=_layers_given,
    probes=((_normal(3, 2, 2, 4, 5), (0, 3)), (_normal(2, 3, 2, 1, 4), (2, 4, 5))),
    praise="A layer that is not among the keys is given nothing, and computes as it always did.",
    mistakes=(
        Mistake(
            "numbered anew",
            lambda prefix, layers: {
                place: _keys_and_values(prefix, place) for place in range(len(layers))
            },
            "your keys count from 0 on; the key is the number of the layer in the model, which "
            "stands in `layers`.",
        ),
        Mistake(
            "one place for all",
            lambda prefix, layers: {layer: _keys_and_values(prefix, 0) for layer in layers},
            "all layers get the same numbers; each layer has a place of its own in `prefix`.",
        ),
        Mistake(
            "values first",
            lambda prefix, layers: {
                layer: both[::-1] for layer, both in _layers_given(prefix, layers).items()
            },
            "you give the values before the keys; the keys come first.",
        ),
        Mistake(
            "positions and heads not exchanged",
            lambda prefix, layers: {
                layer: (prefix[:, place, 0][None], prefix[:, place, 1][None])
                for place, layer in enumerate(layers)
            },
            "the heads come before the positions: [1, kv_heads, P, head_dim].",
        ),
        Mistake(
            "no batch",
            lambda prefix, layers: {
                layer: (keys[0], values[0])
                for layer, (keys, values) in _layers_given(prefix, layers).items()
            },
            "a batch dimension of 1 is missing in front.",
        ),
        Mistake(
            "a list",
            lambda prefix, layers: list(_layers_given(prefix, layers).values()),
            "from a list nobody can tell which layer is meant; return a dictionary with the "
            "layers' numbers as its keys.",
        ),
    ),
)


def _label_scores(hidden: Tensor, head: Tensor) -> Tensor:
    """w_y h + b_y: [..., labels]."""
    return hidden @ head[:, :-1].T + head[:, -1]


label_scores = Exercise(
    right=_label_scores,
    probes=(
        (_normal(4), _normal(2, 5)),
        (_normal(3, 6), _normal(5, 7)),
        (_normal(2, 3, 4), _normal(3, 5)),
    ),
    praise="One row and one bias for each label, and no word in sight.",
    mistakes=(
        Mistake(
            "no bias",
            lambda hidden, head: hidden @ head[:, :-1].T,
            "the bias of each label is missing: it is the last column of `head`.",
        ),
        Mistake(
            "bias in front",
            lambda hidden, head: hidden @ head[:, 1:].T + head[:, 0],
            "you take the first column for the bias; it is the last one.",
        ),
        Mistake(
            "bias taken off",
            lambda hidden, head: hidden @ head[:, :-1].T - head[:, -1],
            "the bias is added, not taken off.",
        ),
        Mistake(
            "probabilities",
            lambda hidden, head: _label_scores(hidden, head).softmax(-1),
            "these are probabilities; return the scores before the softmax, which "
            "`cross_entropy` takes itself.",
        ),
        Mistake(
            "labels first",
            lambda hidden, head: _label_scores(hidden, head).movedim(-1, 0),
            "the labels are your first dimension; they have to be the last: [..., labels].",
        ),
    ),
)


def _head_gradient(scores: Tensor, h: Tensor, label: int) -> Tensor:
    """d(-log p(label)) / d head = (p - e_label) [h; 1]^T: [labels, hidden + 1]."""
    return torch.outer(_blame(scores, label), torch.cat([h, h.new_ones(1)]))


def _blame(scores: Tensor, label: int) -> Tensor:
    """p - e_label, [labels]: what the loss says of each score."""
    wrong = scores.softmax(0)
    wrong[label] -= 1
    return wrong


def _onehot(scores: Tensor, label: int) -> Tensor:
    return scores.softmax(0) - _blame(scores, label)


head_gradient = Exercise(
    right=_head_gradient,
    probes=(
        (_normal(2), _normal(3), 1),
        (_normal(4), _normal(5), 0),
        (torch.zeros(3), _normal(2), 2),
    ),
    praise="How wrong each label is, times what was read: that is all a head learns from.",
    mistakes=(
        Mistake(
            "uphill",
            lambda scores, h, label: -_head_gradient(scores, h, label),
            "the sign is turned round: this is the gradient of log p, and the loss is -log p.",
        ),
        Mistake(
            "probabilities alone",
            lambda scores, h, label: torch.outer(scores.softmax(0), torch.cat([h, h.new_ones(1)])),
            "1 has to be taken off the probability of the right label, or every label is pushed "
            "down.",
        ),
        Mistake(
            "the right label alone",
            lambda scores, h, label: torch.outer(
                _blame(scores, label) * _onehot(scores, label), torch.cat([h, h.new_ones(1)])
            ),
            "only the row of the right label moves; the others have a gradient too, their "
            "probability times h.",
        ),
        Mistake(
            "no bias",
            lambda scores, h, label: torch.outer(_blame(scores, label), h),
            "the column of the bias is missing: it is multiplied by 1, not by h.",
        ),
        Mistake(
            "nothing for the bias",
            lambda scores, h, label: torch.outer(
                _blame(scores, label), torch.cat([h, h.new_zeros(1)])
            ),
            "the bias has a gradient too: it is multiplied by 1, not by 0.",
        ),
        Mistake(
            "activations first",
            lambda scores, h, label: _head_gradient(scores, h, label).T,
            "rows and columns are exchanged; the gradient has the shape of the head, [labels, "
            "hidden + 1].",
        ),
    ),
)

Words = Sequence[int | None]
Tags = Sequence[int]
REST = -100  # what `cross_entropy` leaves out


def _placed(counts: Callable[[int, Words], bool], rest: int = REST) -> Callable[..., list[int]]:
    """Labels of tokens: the tag of the word at the places that count."""

    def labels(words: Words, tags: Tags) -> list[int]:
        return [
            tags[word] if word is not None and counts(place, words) else rest
            for place, word in enumerate(words)
        ]

    return labels


def _is_first(place: int, words: Words) -> bool:
    return place == 0 or words[place - 1] != words[place]


def _is_last(place: int, words: Words) -> bool:
    return place == len(words) - 1 or words[place + 1] != words[place]


_first_only, _last_only = _placed(_is_first), _placed(_is_last)
_every = _placed(lambda place, words: True)


def _new_tags_only(words: Words, tags: Tags) -> list[int]:
    labels = _every(words, tags)
    return [
        label if not place or labels[place - 1] != label else REST
        for place, label in enumerate(labels)
    ]


_SPLIT: tuple[tuple[Words, Tags], ...] = (
    ((None, 0, 0, 1, 2, 2, 2, None), (1, 0, 3)),
    ((0, 1, 1, 2, 3, 3), (2, 2, 0, 4)),
)
_NOT_EVERY = Mistake(
    "every sub-token",
    _every,
    "all sub-tokens of a word have its tag; a word should count once, however many it has.",
)
_NOT_OTHER = (
    "what does not count is -100, not 0: 0 is the tag “other”, and the loss would ask for it."
)
_NOT_ONE_A_WORD = Mistake(
    "one a word",
    lambda words, tags: list(tags),
    "you return a label for each word; there must be one for each token.",
)
first_only = Exercise(
    right=_first_only,
    probes=_SPLIT,
    praise="Every word counts once, and [CLS] and its like do not count at all.",
    mistakes=(
        _NOT_EVERY,
        Mistake(
            "the last sub-token",
            _last_only,
            "you label the last sub-token of each word; here the first one counts.",
        ),
        Mistake("0 for the rest", _placed(_is_first, rest=0), _NOT_OTHER),
        _NOT_ONE_A_WORD,
        Mistake(
            "new tags only",
            _new_tags_only,
            "two words with the same tag are two words: compare the numbers of the words, not "
            "their tags.",
        ),
        Mistake(
            "the label of the next token",
            lambda words, tags: [*_first_only(words, tags)[1:], REST],
            "your labels stand one token too far left: a tag is read at its own word, not at the "
            "one before, as a next word would be.",
        ),
    ),
)
last_only = Exercise(
    right=_last_only,
    probes=_SPLIT,
    praise="The last sub-token is the first one that has read the whole word.",
    mistakes=(
        _NOT_EVERY,
        Mistake(
            "the first sub-token",
            _first_only,
            "you label the first sub-token of each word; here the last one counts.",
        ),
        Mistake("0 for the rest", _placed(_is_last, rest=0), _NOT_OTHER),
        _NOT_ONE_A_WORD,
    ),
)


def _token_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """The mean of -log p(tag) over the tokens that count, in nats."""
    return cross_entropy(scores.flatten(0, 1), labels.flatten(), ignore_index=REST)


def _of_each(scores: Tensor, labels: Tensor) -> Tensor:
    """-log p(tag) of each token, 0 of those that do not count: [n, T]."""
    return cross_entropy(scores.movedim(-1, 1), labels, ignore_index=REST, reduction="none")


token_loss = Exercise(
    right=_token_loss,
    probes=(
        (_normal(2, 4, 3), torch.tensor([[REST, 0, 2, REST], [1, REST, 0, 0]])),
        (_normal(3, 3, 5), torch.tensor([[REST, REST, 4], [0, 1, REST], [3, 0, 2]])),
    ),
    praise="Each word weighs the same, in whatever text it stands.",
    mistakes=(
        Mistake(
            "a mean over all tokens",
            lambda scores, labels: _of_each(scores, labels).mean(),
            "you divide by the number of all tokens; divide by the number of those that count.",
        ),
        Mistake(
            "the rest as “other”",
            lambda scores, labels: _token_loss(scores, labels.clamp(min=0)),
            "you ask for tag 0 where the label is -100; these tokens do not count at all.",
        ),
        Mistake(
            "a mean of means",
            lambda scores, labels: (
                _of_each(scores, labels).sum(1) / (labels != REST).sum(1)
            ).mean(),
            "you take the mean of each text first, so that a word of a short text weighs more; "
            "take one mean over all words.",
        ),
        Mistake(
            "a sum",
            lambda scores, labels: _of_each(scores, labels).sum(),
            "you add up the losses; take their mean, or the loss grows with the number of words.",
        ),
        Mistake(
            "slots alone",
            lambda scores, labels: _token_loss(scores, torch.where(labels > 0, labels, REST)),
            "you leave out the words of tag 0; that a word is “other” must be learned too.",
        ),
        Mistake(
            "softmax twice",
            lambda scores, labels: _token_loss(scores.softmax(-1), labels),
            "`cross_entropy` takes scores and makes a softmax of them itself; yours went through "
            "one before.",
        ),
    ),
)


def _counts(predicted: Tags, tags: Tags) -> tuple[int, int, int]:
    pairs = list(zip(predicted, tags, strict=True))
    right = sum(ours == true != 0 for ours, true in pairs)
    return right, sum(ours != 0 for ours, _ in pairs), sum(true != 0 for _, true in pairs)


counts = Exercise(
    right=_counts,
    probes=(
        ([0, 1, 1, 2, 0, 0, 3], [0, 1, 2, 2, 0, 1, 0]),
        ([0, 0, 0, 4, 4], [1, 1, 0, 4, 2]),
    ),
    praise="Whoever always says “other” has 0 of all that counts.",
    mistakes=(
        Mistake(
            "“other” counts too",
            lambda predicted, tags: (
                sum(ours == true for ours, true in zip(predicted, tags, strict=True)),
                len(predicted),
                len(tags),
            ),
            "you count “other” too, in all three; leave tag 0 out.",
        ),
        Mistake(
            "“other” is right too",
            lambda predicted, tags: (
                sum(ours == true for ours, true in zip(predicted, tags, strict=True)),
                *_counts(predicted, tags)[1:],
            ),
            "among the right ones you count words that are “other” and were called so; leave them "
            "out.",
        ),
        Mistake(
            "any tag will do",
            lambda predicted, tags: (
                sum(ours != 0 != true for ours, true in zip(predicted, tags, strict=True)),
                *_counts(predicted, tags)[1:],
            ),
            "a name that was tagged as a price is not right: compare the two tags.",
        ),
        Mistake(
            "the last two exchanged",
            lambda predicted, tags: _counts(tags, predicted),
            "`given` counts what was predicted, `there` what is true; yours are the other way "
            "round.",
        ),
    ),
)

layers_anew = Exercise(
    right=lambda layers, count: count - min(layers),
    probes=(((20, 21, 22), 30), ((0, 1), 12), ((3, 11), 12), ((29,), 30)),
    praise="A prefix in the last layers is cheap to train; a probe needs no layer anew at all.",
    mistakes=(
        Mistake(
            "those with a prefix",
            lambda layers, count: len(layers),
            "a layer without a prefix that lies above one with a prefix gets other states too.",
        ),
        Mistake(
            "the lowest spared",
            lambda layers, count: count - min(layers) - 1,
            "the lowest layer with a prefix is computed anew too: its attention sees the prefix.",
        ),
        Mistake(
            "all layers",
            lambda layers, count: count,
            "below the lowest layer with a prefix nothing changes; that may be kept.",
        ),
        Mistake(
            "those that may be kept",
            lambda layers, count: min(layers),
            "these are the layers that may be kept; asked are the others.",
        ),
        Mistake(
            "from the highest",
            lambda layers, count: count - max(layers),
            "count from the lowest layer with a prefix, not from the highest.",
        ),
    ),
)


def _only_one_right(ours: Sequence[bool], theirs: Sequence[bool]) -> tuple[int, int]:
    pairs = list(zip(ours, theirs, strict=True))
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)


only_one_right = Exercise(
    right=_only_one_right,
    probes=(
        ([True, True, False, False, True], [True, False, True, False, False]),
        ([False, True, True, False], [True, True, False, True]),
    ),
    praise="Where both are right or both are wrong, nothing tells them apart.",
    mistakes=(
        Mistake(
            "all right ones",
            lambda ours, theirs: (sum(ours), sum(theirs)),
            "you count all that each has right; sentences that both have right do not count.",
        ),
        Mistake(
            "exchanged",
            lambda ours, theirs: _only_one_right(theirs, ours),
            "the two numbers are exchanged: first those that only `ours` has right.",
        ),
        Mistake(
            "where they agree",
            lambda ours, theirs: (
                sum(a and b for a, b in zip(ours, theirs, strict=True)),
                sum(not a and not b for a, b in zip(ours, theirs, strict=True)),
            ),
            "you count where they agree, both right and both wrong; count where they differ.",
        ),
        Mistake(
            "the difference",
            lambda ours, theirs: sum(ours) - sum(theirs),
            "the difference hides how many there are: 2 more can be 2 to 0 or 52 to 50. Return "
            "both numbers.",
        ),
    ),
)

"""Wrong answers to lesson 08, as a learner would write them: exercise -> (source, mistake)."""

_LOOP = """
def corrupt(tokens, spans, sentinels):
    given, target, end = [], [], 0
    for n, (start, length) in enumerate(spans):
        given += tokens[end:start] + [SENTINEL]
        end = start + length
        target += [SENTINEL] + tokens[start:end]
"""
_OWN = _LOOP.replace("SENTINEL", "sentinels[n]")

_ATTEND = """
def attend(q, k, v, prefix_k, prefix_v, bias):
    keys, values = torch.cat([prefix_k, k], 1), torch.cat([prefix_v, v], 1)
"""

_LOG = """
import math

def coin_loss(labels, legal):
"""

WRONG: dict[str, list[tuple[str, str]]] = {
    "corrupt": [
        (_OWN + "    return given + tokens[end:], target", "no sentinel at the end"),
        (
            _LOOP.replace("SENTINEL", "sentinels[0]")
            + "    return given + tokens[end:], target + [sentinels[0]]",
            "one sentinel for all",
        ),
        (
            """
def corrupt(tokens, spans, sentinels):
    given, target = list(tokens), []
    for n, (start, length) in enumerate(spans):
        given.insert(start + n, sentinels[n])
        target += [sentinels[n]] + tokens[start:start + length]
    return given, target + [sentinels[len(spans)]]
""",
            "nothing taken out",
        ),
        (_OWN + "    return given + tokens[end:], tokens", "the whole text as target"),
        (_OWN + "    return given, target + [sentinels[len(spans)]]", "the rest is lost"),
        (
            """
def corrupt(tokens, spans, sentinels):
    given, target, before = [], [], 0
    for n, (start, end) in enumerate(spans):
        given += tokens[before:start] + [sentinels[n]]
        target += [sentinels[n]] + tokens[start:end]
        before = end
    return given + tokens[before:], target + [sentinels[n + 1]]
""",
            "the length taken for an end",
        ),
    ],
    "attend": [
        (
            """
def attend(q, k, v, prefix_k, prefix_v, bias):
    keys, values = torch.cat([k, prefix_k], 1), torch.cat([v, prefix_v], 1)
    return torch.softmax(q @ keys.mT + bias, -1) @ values
""",
            "prefix on the right",
        ),
        (
            _ATTEND + "    scores = q @ keys.mT / q.shape[-1] ** 0.5 + bias\n"
            "    return scores.softmax(2) @ values",
            "scaled",
        ),
        (_ATTEND + "    return (q @ keys.mT).softmax(-1) @ values", "no bias"),
        (
            """
def attend(q, k, v, prefix_k, prefix_v, bias):
    P = prefix_k.shape[1]
    before = (q @ prefix_k.mT + bias[..., :P]).softmax(-1) @ prefix_v
    text = (q @ k.mT + bias[..., P:]).softmax(-1) @ v
    return before + text
""",
            "two softmaxes",
        ),
        (
            _ATTEND + "    return (q @ keys.mT + bias).softmax(dim=1) @ values",
            "softmax over the queries",
        ),
    ],
    "answer_loss": [
        (
            """
def answer_loss(scores, x, y, start):
    return torch.nn.functional.cross_entropy(scores(x, y), torch.tensor(y), reduction="sum")
""",
            "the decoder reads the answer",
        ),
        (
            """
def answer_loss(scores, x, y, start):
    log_p = scores(x, start + y).log_softmax(-1)
    return -sum(log_p[len(start) + i, token] for i, token in enumerate(y))
""",
            "the decoder reads the answer",
        ),
        (
            """
def answer_loss(scores, x, y, start):
    whole = start + y
    rows = scores(x, whole[:-1])
    return torch.nn.functional.cross_entropy(rows, torch.tensor(whole[1:]), reduction="sum")
""",
            "the start counts too",
        ),
        (
            """
def answer_loss(scores, x, y, start):
    rows = scores(x, start + y[:-1])[len(start) - 1:]
    return torch.nn.functional.cross_entropy(rows, torch.tensor(y))
""",
            "the mean of the tokens",
        ),
        (
            """
def answer_loss(scores, x, y, start):
    log_p = scores(x, start + y)[len(start) - 1:-1].log_softmax(-1)
    return log_p.gather(1, torch.tensor(y)[:, None]).sum()
""",
            "the sign",
        ),
        (
            """
def answer_loss(scores, x, y, start):
    return -scores(x, start)[-1].log_softmax(0)[y[0]]
""",
            "the first token only",
        ),
        (
            """
def answer_loss(scores, x, y, start):
    rows = scores(x, start + y[:-1])[-len(y):]
    return -sum(row[token] for row, token in zip(rows, y))
""",
            "not made probabilities",
        ),
    ],
    "prefix_numbers": [
        (
            "def prefix_numbers(P, g):\n"
            "    return 2 * P * g.decoder_layers * g.kv_heads * g.head_dim",
            "decoder only",
        ),
        (
            "def prefix_numbers(P, g):\n"
            "    layers = g.encoder_layers + g.decoder_layers\n"
            "    return P * layers * 2 * g.kv_width",
            "no cross-attention",
        ),
        (
            "def prefix_numbers(P, g):\n    return P * g.layers * g.heads * g.head_dim",
            "keys only",
        ),
        (
            "def prefix_numbers(P, g):\n    return P * g.layers * 2 * g.hidden",
            "hidden width",
        ),
    ],
    "cross_mask": [
        (
            "def cross_mask(P, seen, T):\n    return seen.repeat(T, 1)",
            "no columns for the prefix",
        ),
        (
            "def cross_mask(P, seen, T):\n    return torch.zeros(T, P + len(seen)) == 0",
            "padding is seen",
        ),
        (
            "def cross_mask(P, seen, T):\n"
            "    keys = [True] * P + seen.tolist()\n"
            "    return torch.tensor([[k and j <= P + i for j, k in enumerate(keys)]"
            " for i in range(T)])",
            "a triangle",
        ),
        (
            "def cross_mask(P, seen, T):\n"
            "    return torch.tensor([seen.tolist() + [True] * P] * T)",
            "prefix on the right",
        ),
    ],
    "coin_loss": [
        (f"{_LOG}    return math.log(labels)", "always legal"),
        (f"{_LOG}    return -math.log(legal)", "no choice"),
        (
            f"{_LOG}    return -legal * math.log(1 / labels)",
            "the mean of the two prices",
        ),
        (f"{_LOG}    return math.log2(labels / legal)", "bits"),
        (f"{_LOG}    return legal / labels", "a probability"),
    ],
}

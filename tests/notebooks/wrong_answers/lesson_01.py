"""Answers to lesson 01 as learners get them wrong, and the mistake that each must be told."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "prompts": [
        (
            """
def prompts(vocabulary, length):
    return sum(vocabulary for _ in range(length))
""",
            "multiplied",
        ),
        (
            """
def prompts(vocabulary, length):
    return pow(length, vocabulary)
""",
            "base and exponent swapped",
        ),
        (
            """
def prompts(vocabulary, length):
    total = 1
    for used in range(length):
        total *= vocabulary - used
    return total
""",
            "no token twice",
        ),
        (
            """
import math

def prompts(vocabulary, length):
    ordered = math.factorial(vocabulary) // math.factorial(vocabulary - length)
    return ordered // math.factorial(length)
""",
            "order ignored",
        ),
        (
            """
def prompts(vocabulary, length):
    total = 0
    while length > 0:
        total += vocabulary**length
        length -= 1
    return total
""",
            "shorter ones too",
        ),
    ],
    "answer_score": [
        (
            """
def answer_score(logits, n, answer):
    log_p = torch.log_softmax(logits, dim=-1)
    total = torch.tensor(0.0)
    for t in range(len(answer)):
        total = total + log_p[n + t, answer[t]]
    return total
""",
            "off by one",
        ),
        (
            """
def answer_score(logits, n, answer):
    p = logits.softmax(dim=-1)
    return p[n - 1][answer[0]].log()
""",
            "first token only",
        ),
        (
            """
def answer_score(logits, n, answer):
    targets = torch.tensor(answer)
    return -torch.nn.functional.cross_entropy(logits[n - 1 : -1], targets)
""",
            "mean",
        ),
        (
            """
def answer_score(logits, n, answer):
    picked = logits[n - 1 : -1].gather(1, torch.tensor(answer)[:, None])
    return picked.sum()
""",
            "raw logits",
        ),
        (
            """
def answer_score(logits, n, answer):
    last = logits[n - 1].log_softmax(0)
    return sum(last[token] for token in answer)
""",
            "all from the end of the prompt",
        ),
        (
            """
def answer_score(logits, n, answer):
    p = torch.softmax(logits[n - 1 : -1], dim=1)
    return sum(p[t, token] for t, token in enumerate(answer))
""",
            "probabilities added",
        ),
    ],
    "calibrate": [
        (
            """
def calibrate(p, content_free):
    weights = torch.diag(content_free.mean(dim=0))
    scaled = p @ weights
    return scaled / scaled.sum(dim=1)[:, None]
""",
            "multiplied",
        ),
        (
            """
def calibrate(p, content_free):
    weights = torch.diag(1 / content_free.mean(dim=0))
    return p @ weights
""",
            "not normalised",
        ),
        (
            """
def calibrate(p, content_free):
    return (p.log() - content_free[0].log()).softmax(dim=1)
""",
            "first input only",
        ),
        (
            """
def calibrate(p, content_free):
    bias = content_free.sum(0) / len(content_free)
    return torch.stack([row - bias for row in p])
""",
            "subtracted",
        ),
        (
            """
def calibrate(p, content_free):
    scores = p.log() - content_free.mean(0).log()
    return scores.softmax(0)
""",
            "columns, not rows",
        ),
        (
            """
def calibrate(p, content_free):
    W = torch.diag(1 / content_free.mean(0))
    return torch.softmax(p @ W, dim=-1)
""",
            "softmax",
        ),
    ],
    "to_report": [
        (
            """
def to_report(validation, test):
    return sorted(test)[-1]
""",
            "chosen by the test",
        ),
        (
            """
def to_report(validation, test):
    best = validation[0]
    for value in validation:
        if value > best:
            best = value
    return best
""",
            "validation accuracy",
        ),
        (
            """
def to_report(validation, test):
    return float(torch.tensor(test).mean())
""",
            "mean of the test",
        ),
        (
            """
def to_report(validation, test):
    return int(torch.tensor(validation).argmax())
""",
            "which, not how good",
        ),
    ],
    "border_of": [
        ("border_of = lambda content_free: content_free[:, 1].mean().item()", "the share as it is"),
        (
            "def border_of(content_free):\n"
            "    first, second = content_free.mean(0).tolist()\n"
            "    return first / (first + second)",
            "the first answer",
        ),
        ("def border_of(content_free):\n    return 0.5", "one half"),
        (
            "def border_of(content_free):\n"
            "    each = content_free[:, 1] / content_free.sum(1)\n"
            "    return each.mean().item()",
            "mean of the borders",
        ),
        (
            "def border_of(content_free):\n"
            "    first, second = content_free.mean(0).tolist()\n"
            "    return second / first",
            "the ratio",
        ),
    ],
}

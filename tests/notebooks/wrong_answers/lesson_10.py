"""Wrong answers to lesson 10, as a learner would write them: exercise -> (source, mistake)."""

from wrong_loops import WRONG_LOOPS

CONDITIONS = (
    "way.fewest <= needs.examples",
    "(needs.inside or not way.inside)",
    "way.positions <= needs.positions",
    "way.stored <= needs.stored",
    "(way.together or not needs.together)",
)
NEAR = (
    "    best = max(way.accuracy for way in left)\n"
    "    near = [way for way in left if way.accuracy > best - 0.03]\n"
)
SMALLEST = "    return min(near, key=lambda way: way.stored).name"


def _choice(end: str = NEAR + SMALLEST, without: str = "") -> str:
    """A `choose` that forgets a condition, or ends otherwise."""
    asked = " and ".join(one for one in CONDITIONS if one != without)
    return f"def choose(ways, needs):\n    left = [way for way in ways if {asked}]\n{end}"


def _three(near: str, row: str = "(text, answer)", far: str = "1", rest: str = "continue") -> str:
    """A `three_labels` with another middle, other rows, or other borders."""
    return f"""
def three_labels(rated):
    rows = []
    for text, rating in rated:
        if rating < -{far}:
            answer = "negative"
        elif rating > {far}:
            answer = "positive"
        elif {near}:
            answer = "neutral"
        else:
            {rest}
        rows.append({row})
    return rows
"""


NEUTRAL = "-0.5 <= rating <= 0.5"


def _read(
    loss: str = "math.log(c)",
    chance: str = "1 / c",
    rows: str = "[[0] * c for _ in range(c)]",
    at: str = "label][given",
    counted: str = "counts",
) -> str:
    """A `read_off` with one of its parts written otherwise."""
    return f"""
import math

def read_off(scores, labels):
    c = scores.shape[1]
    counts = {rows}
    for label, given in zip(labels, scores.argmax(dim=1).tolist()):
        counts[{at}] += 1
    return {loss}, {chance}, {counted}
"""


WRONG: dict[str, list[tuple[str, str]]] = {
    "lora": [
        (
            "def lora(x, W, A, B, alpha):\n"
            "    return torch.nn.functional.linear(x, W) + (x @ A.T) @ B.T",
            "no scale",
        ),
        (
            "def lora(x, W, A, B, alpha):\n    return x @ (W + alpha * B @ A).T",
            "alpha alone",
        ),
        (
            "def lora(x, W, A, B, alpha):\n"
            "    r = A.shape[0]\n"
            "    return x @ W.T + r / alpha * (x @ A.T @ B.T)",
            "the scale turned round",
        ),
        (
            "def lora(x, W, A, B, alpha):\n"
            "    r = B.shape[0]\n"
            "    return x @ W.T + alpha / r * (x @ A.T @ B.T)",
            "divided by the width",
        ),
        (
            "def lora(x, W, A, B, alpha):\n"
            "    r = A.shape[1]\n"
            "    return x @ W.T + alpha / r * (x @ A.T @ B.T)",
            "divided by the input",
        ),
        (
            "def lora(x, W, A, B, alpha):\n    return (alpha / A.shape[0]) * x @ (B @ A).T",
            "the change alone",
        ),
        (
            "def lora(x, W, A, B, alpha):\n    return alpha / len(A) * (x @ (W + B @ A).T)",
            "all scaled",
        ),
    ],
    "merge": [
        ("def merge(W, A, B, alpha):\n    return torch.addmm(W, B, A)", "no scale"),
        (
            "def merge(W, A, B, alpha):\n    return torch.addmm(W, B, A, alpha=alpha)",
            "alpha alone",
        ),
        (
            "def merge(W, A, B, alpha):\n    return W + alpha / A.shape[0] * (A.T @ B.T)",
            "transposed",
        ),
        (
            "def merge(W, A, B, alpha):\n    r = len(A)\n    return (alpha / r) * (B @ A)",
            "the change alone",
        ),
        (
            "def merge(W, A, B, alpha):\n    r = len(A)\n    return W - (alpha / r) * (B @ A)",
            "taken off",
        ),
    ],
    "one_form": [
        (
            "def one_form(x, down, up, how):\n    return x @ (up @ down).T",
            "always LoRA",
        ),
        (
            "def one_form(x, down, up, how):\n    return (x @ down.T).clamp(min=0) @ up.T",
            "always an adapter",
        ),
        (
            "def one_form(x, down, up, how):\n"
            "    inner = x @ down.T\n"
            "    if how == 'adapter':\n"
            "        inner = torch.relu(inner)\n"
            "    elif how == 'prefix':\n"
            "        inner = torch.softmax(inner, dim=1)\n"
            "    return inner @ up.T",
            "softmax without a scale",
        ),
        (
            "def one_form(x, down, up, how):\n"
            "    inner = x @ down.T\n"
            "    if how == 'adapter':\n"
            "        inner = torch.relu(inner)\n"
            "    elif how == 'prefix':\n"
            "        inner = (inner / x.shape[1] ** 0.5).softmax(0)\n"
            "    return inner @ up.T",
            "softmax over texts",
        ),
        (
            "def one_form(x, down, up, how):\n"
            "    inner = x @ down.T\n"
            "    if how == 'prefix':\n"
            "        inner = (inner / x.shape[1] ** 0.5).softmax(1)\n"
            "    changed = inner @ up.T\n"
            "    return changed.relu() if how == 'adapter' else changed",
            "ReLU at the end",
        ),
        (
            "def one_form(x, down, up, how):\n"
            "    inner = x @ down.T\n"
            "    if how == 'adapter':\n"
            "        inner = torch.relu(inner)\n"
            "    elif how == 'prefix':\n"
            "        inner = (inner / x.shape[1] ** 0.5).softmax(1)\n"
            "    return x + inner @ up.T",
            "the input added",
        ),
    ],
    "choose": [
        *(
            (_choice(without=condition), name)
            for condition, name in (
                ("way.fewest <= needs.examples", "examples ignored"),
                ("(needs.inside or not way.inside)", "weights ignored"),
                ("way.positions <= needs.positions", "positions ignored"),
                ("way.stored <= needs.stored", "bytes ignored"),
                ("(way.together or not needs.together)", "batch ignored"),
            )
        ),
        (
            _choice("    return max(left, key=lambda way: way.accuracy).name"),
            "the most accurate",
        ),
        (
            _choice("    return min(left, key=lambda way: way.stored).name"),
            "the smallest of all",
        ),
        (
            _choice(NEAR + "    return max(near, key=lambda way: way.stored).name"),
            "the largest",
        ),
        (
            _choice(
                "    left = [way for way in left if way.together]\n" + NEAR + SMALLEST,
            ),
            "always together",
        ),
        (
            _choice(NEAR + "    return min(near, key=lambda way: way.stored)"),
            "the way, not its name",
        ),
    ],
    "adapter_numbers": [
        (
            "def adapter_numbers(bottleneck, geometry):\n"
            "    return 4 * geometry.layers * geometry.hidden * bottleneck",
            "no biases",
        ),
        (
            "def adapter_numbers(bottleneck, geometry):\n"
            "    h, m = geometry.hidden, bottleneck\n"
            "    return geometry.layers * (h * m + m + m * h + h)",
            "one adapter a layer",
        ),
        (
            "def adapter_numbers(bottleneck, geometry):\n"
            "    down = geometry.hidden * bottleneck + bottleneck\n"
            "    up = bottleneck * geometry.hidden\n"
            "    return 2 * geometry.layers * (down + up)",
            "no bias at the end",
        ),
        (
            "def adapter_numbers(bottleneck, geometry):\n"
            "    return 2 * geometry.layers * bottleneck * (geometry.hidden + 1)",
            "one map",
        ),
    ],
    "frontier": [
        (
            "def frontier(points):\n"
            "    top = max(accuracy for _, _, accuracy in points)\n"
            "    return [name for name, _, accuracy in points if accuracy == top]",
            "the best alone",
        ),
        (
            "def frontier(points):\n"
            "    def beaten(cost, accuracy):\n"
            "        return any(c < cost and a > accuracy for _, c, a in points)\n"
            "    return [name for name, cost, accuracy in points if not beaten(cost, accuracy)]",
            "better in both",
        ),
        (
            "def frontier(points):\n"
            "    kept = []\n"
            "    for name, cost, accuracy in points:\n"
            "        others = [p for p in points if p[0] != name]\n"
            "        if not any(c <= cost and a >= accuracy for _, c, a in others):\n"
            "            kept.append(name)\n"
            "    return kept",
            "equals beat each other",
        ),
        (
            "def frontier(points):\n"
            "    low = min(cost for _, cost, _ in points)\n"
            "    return [name for name, cost, _ in points if cost == low]",
            "cheapest alone",
        ),
    ],
    "largest_batch": [
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return max(0, (memory - 12 * trained) // activations)",
            "the numbers themselves",
        ),
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return max(0, (memory - 8 * trained) // activations)",
            "no moments",
        ),
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return max(0, (memory - trained - trained - 2 * trained) // activations)",
            "numbers for bytes",
        ),
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return (memory - 16 * trained) // activations",
            "below zero",
        ),
    ],
    "three_labels": [
        (_three("True"), "nothing left out"),
        (_three("rating == 0", far="0"), "the sign decides"),
        (_three("rating <= 0.5"), "one side only"),
        (_three("False"), "two labels"),
        (_three("-0.5 < rating < 0.5"), "the border left out"),
        (_three(NEUTRAL, rest="answer = None"), "None for the rest"),
        (
            _three(NEUTRAL, "(text, ['negative', 'neutral', 'positive'].index(answer))"),
            "numbers for words",
        ),
        (_three(NEUTRAL, "answer"), "answers without texts"),
    ],
    "read_off": [
        (_read("math.log(2)", "1 / 2"), "two answers"),
        (_read("-math.log(0.5)"), "ln 2"),
        (_read("math.log2(c)"), "bits"),
        (
            _read("float(torch.nn.functional.cross_entropy(scores, torch.tensor(labels)))"),
            "the measured loss",
        ),
        (
            _read(chance="max(labels.count(y) for y in set(labels)) / len(labels)"),
            "the most frequent label",
        ),
        (
            _read(chance="float((scores.argmax(1) == torch.tensor(labels)).float().mean())"),
            "the measured accuracy",
        ),
        (_read(at="given][label"), "rows and columns exchanged"),
        (_read(rows="[[0] * c] * c"), "one row for all"),
        (_read(counted="[counts[y][y] for y in range(c)]"), "the right ones only"),
        (
            _read(counted="[[n / (sum(row) or 1) for n in row] for row in counts]"),
            "shares",
        ),
    ],
    "training_loop": WRONG_LOOPS,
}

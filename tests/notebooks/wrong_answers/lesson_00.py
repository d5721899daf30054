"""Answers to lesson 00 as learners get them wrong, and the mistake that each must be told."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "numbers_in_past": [
        (
            """
def numbers_in_past(positions, layers, kv_heads, head_dim):
    width = kv_heads * head_dim
    return positions * width * layers
""",
            "keys or values only",
        ),
        (
            """
def numbers_in_past(positions, layers, kv_heads, head_dim):
    keys = positions * kv_heads * head_dim
    values = keys
    return keys + values
""",
            "one layer only",
        ),
        (
            """
def numbers_in_past(positions, layers, kv_heads, head_dim):
    total = 0
    for _ in range(layers):
        total += 2 * positions * head_dim
    return total
""",
            "one head only",
        ),
        (
            """
def numbers_in_past(positions, layers, kv_heads, head_dim):
    numbers = 2 * layers * positions * kv_heads * head_dim
    return numbers * 4
""",
            "bytes",
        ),
    ],
    "after_the_text": [
        (
            """
def after_the_text(W, h):
    logits = h @ W.T
    return torch.softmax(logits[0], dim=0)
""",
            "first position",
        ),
        (
            """
def after_the_text(W, h):
    logits = h @ W.T
    return torch.softmax(logits.mean(dim=0), dim=0)
""",
            "mean over positions",
        ),
        (
            """
def after_the_text(W, h):
    n = h.shape[0]
    scores = torch.mv(W, h[n - 2])
    return torch.exp(scores) / torch.exp(scores).sum()
""",
            "position before the last",
        ),
        (
            """
def after_the_text(W, h):
    n = len(h)
    return h[n - 1] @ W.T
""",
            "no softmax",
        ),
        (
            """
def after_the_text(W, h):
    return torch.nn.functional.log_softmax(torch.mv(W, h[-1]), dim=-1)
""",
            "log-probabilities",
        ),
        (
            """
def after_the_text(W, h):
    logits = torch.nn.functional.linear(h, W)
    return torch.stack([row.exp() / row.exp().sum() for row in logits])
""",
            "every position",
        ),
    ],
    "mix": [
        (
            """
def mix(first, second, t):
    keys = t * first.keys + (1 - t) * second.keys
    values = t * first.values + (1 - t) * second.values
    return keys, values
""",
            "the ends swapped",
        ),
        (
            """
def mix(first, second, t):
    keys = first.keys + t * (second.keys - first.keys)
    return keys, first.values
""",
            "values of the first",
        ),
        (
            """
def mix(first, second, t):
    keys = (1 - t) * first.keys + t * second.keys
    values = (1 - t) * first.keys + t * second.keys
    return keys, values
""",
            "keys twice",
        ),
        (
            """
def mix(first, second, t):
    keys = first.keys * (1 - t) + second.keys * t
    values = second.values
    return (keys, values)
""",
            "values of the second",
        ),
        (
            """
def mix(first, second, t):
    keys, values = first.keys.clone(), first.values.clone()
    keys += second.keys * t
    values += second.values * t
    return keys, values
""",
            "added, not mixed",
        ),
        (
            """
def mix(first, second, t):
    mixed = pl.Past((1 - t) * first.keys + t * second.keys,
                    (1 - t) * first.values + t * second.values)
    return mixed.values, mixed.keys
""",
            "values first",
        ),
    ],
    "positions_computed": [
        (
            """
def positions_computed(prompt, new):
    without = 0
    for step in range(new):
        without += prompt + step
    cached = prompt
    for step in range(new):
        cached += 1
    return without, cached
""",
            "the last token fed",
        ),
        (
            """
def positions_computed(prompt, new):
    without = sum(prompt for _ in range(new))
    cached = prompt + (new - 1)
    return without, cached
""",
            "the text stays short",
        ),
        (
            """
def positions_computed(prompt, new):
    without = new * prompt + new * (new + 1) // 2
    return without, prompt + new - 1
""",
            "one position too many a pass",
        ),
        (
            """
def positions_computed(prompt, new):
    without = new * prompt + new * (new - 1) // 2
    return prompt + new - 1, without
""",
            "swapped",
        ),
        (
            """
def positions_computed(prompt, new):
    without = new * prompt + (new - 1) * new // 2
    with_cache = sum(1 for _ in range(new))
    return without, with_cache
""",
            "the text not read",
        ),
    ],
    "attend": [
        (
            """
def attend(q, k, v):
    weights = (k @ q).softmax(0)
    return weights, weights @ v
""",
            "not scaled",
        ),
        (
            """
def attend(q, k, v):
    weights = torch.softmax(k @ q / q.shape[0], dim=0)
    return weights, weights @ v
""",
            "divided by d",
        ),
        (
            """
def attend(q, k, v):
    weights = torch.softmax(k @ q / k.shape[0] ** 0.5, dim=0)
    return weights, weights @ v
""",
            "scaled by the number of tokens",
        ),
        (
            """
def attend(q, k, v):
    weights = k @ q / len(q) ** 0.5
    return weights, weights @ v
""",
            "no softmax",
        ),
        (
            """
def attend(q, k, v):
    weights = (k @ q / len(q) ** 0.5).softmax(0)
    return weights, weights @ k
""",
            "mean of the keys",
        ),
        (
            """
def attend(q, k, v):
    weights = (v @ q / len(q) ** 0.5).softmax(0)
    return weights, weights @ k
""",
            "keys and values swapped",
        ),
        (
            """
def attend(q, k, v):
    return (k @ q / len(q) ** 0.5).softmax(0) @ v
""",
            "the result alone",
        ),
        (
            """
def attend(q, k, v):
    weights = (k @ q / len(q) ** 0.5).softmax(0)
    return weights @ v, weights
""",
            "the result first",
        ),
    ],
    "halfway": [
        (
            """
def halfway(p, low, high):
    return (low + high) / 2
""",
            "the middle",
        ),
        (
            """
def halfway(p, low, high):
    for _ in range(50):
        middle = (low + high) / 2
        if p(middle) < 0.5:
            high = middle
        else:
            low = middle
    return low
""",
            "the wrong half",
        ),
        (
            """
def halfway(p, low, high):
    for _ in range(50):
        middle = (low + high) / 2
        if p(middle) < 0.5:
            low = middle
        else:
            high = middle
    return p(middle)
""",
            "the probability",
        ),
        (
            """
def halfway(p, low, high):
    slope = (p(high) - p(low)) / (high - low)
    return low + (0.5 - p(low)) / slope
""",
            "a straight line",
        ),
    ],
}

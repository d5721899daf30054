"""Wrong answers to lesson 04, as a learner would write them: exercise -> (source, mistake)."""

from wrong_loops import WRONG_LOOPS

WRONG: dict[str, list[tuple[str, str]]] = {
    "prefix_numbers": [
        (
            "def prefix_numbers(prefix_length, geometry):\n"
            "    return prefix_length * geometry.layers * geometry.kv_width",
            "keys only",
        ),
        (
            "def prefix_numbers(prefix_length, geometry):\n"
            "    return 2 * prefix_length * geometry.layers * geometry.hidden",
            "query heads",
        ),
        (
            "def prefix_numbers(prefix_length, geometry):\n"
            "    return 2 * prefix_length * geometry.kv_width",
            "one layer",
        ),
        (
            "def prefix_numbers(prefix_length, geometry):\n"
            "    return pl.PromptTuning.cost(geometry, prompt_length=prefix_length).stored",
            "embeddings only",
        ),
    ],
    "prefix_share": [
        (
            "def prefix_share(q, prefix_keys, text_keys):\n"
            "    p, t = (prefix_keys @ q).exp().sum(), (text_keys @ q).exp().sum()\n"
            "    return float(p / (p + t))",
            "no scale",
        ),
        (
            "def prefix_share(q, prefix_keys, text_keys):\n"
            "    p = (prefix_keys @ q / q.shape[0]).exp().sum()\n"
            "    t = (text_keys @ q / q.shape[0]).exp().sum()\n"
            "    return float(p / (p + t))",
            "divided by d",
        ),
        (
            "def prefix_share(q, prefix_keys, text_keys):\n"
            "    return float(torch.softmax(prefix_keys @ q, dim=0).sum())",
            "softmax of the prefix alone",
        ),
        (
            "def prefix_share(q, prefix_keys, text_keys):\n"
            "    scale = q.shape[0] ** 0.5\n"
            "    p = (prefix_keys @ q / scale).exp().sum()\n"
            "    t = (text_keys @ q / scale).exp().sum()\n"
            "    return float(t / (p + t))",
            "share of the text",
        ),
        (
            "def prefix_share(q, prefix_keys, text_keys):\n"
            "    P, T = prefix_keys.shape[0], text_keys.shape[0]\n"
            "    return P / (P + T)",
            "count of positions",
        ),
    ],
    "prefix_mask": [
        (
            "def prefix_mask(P, T):\n"
            "    return torch.tensor([[j <= i for j in range(T)] for i in range(T)])",
            "mask of the text only",
        ),
        (
            "def prefix_mask(P, T):\n"
            "    return torch.tensor([[j <= i for j in range(P + T)] for i in range(T)])",
            "triangle over everything",
        ),
        (
            "def prefix_mask(P, T):\n"
            "    return torch.tensor([[j <= i or j >= T for j in range(P + T)] for i in range(T)])",
            "prefix on the right",
        ),
        (
            "def prefix_mask(P, T):\n    return torch.zeros(T, P + T) == 0",
            "sees the future",
        ),
    ],
    "zero_prefix_factor": [
        ("def zero_prefix_factor(scores, P):\n    return 1", "zero is nothing"),
        (
            "def zero_prefix_factor(scores, P):\n"
            "    both = torch.cat([torch.zeros(P), scores])\n"
            "    return float(both.softmax(0)[:P].sum())",
            "the prefix's share",
        ),
        (
            "def zero_prefix_factor(scores, P):\n    return 1 - P / (P + scores.shape[0])",
            "count of positions",
        ),
        (
            "def zero_prefix_factor(scores, P):\n"
            "    total = float(scores.sum())\n"
            "    return total / (total + P)",
            "no exponent",
        ),
    ],
    "of_layer": [
        (
            """
def of_layer(prefix, layer):
    keys, values = prefix[:, layer].unbind(1)
    return keys.unsqueeze(0), values.unsqueeze(0)
""",
            "positions and heads not exchanged",
        ),
        (
            """
def of_layer(prefix, layer):
    P, layers, two, heads, d = prefix.shape
    return prefix[:, layer, 0].reshape(1, heads, P, d), prefix[:, layer, 1].reshape(1, heads, P, d)
""",
            "reshaped, not exchanged",
        ),
        (
            """
def of_layer(prefix, layer):
    return prefix[:, layer, 0].permute(1, 0, 2), prefix[:, layer, 1].permute(1, 0, 2)
""",
            "no batch",
        ),
        (
            """
def of_layer(prefix, layer):
    own = prefix[:, layer].permute(1, 2, 0, 3)[:, None]
    return own[1], own[0]
""",
            "values first",
        ),
    ],
    "training_loop": WRONG_LOOPS,
}

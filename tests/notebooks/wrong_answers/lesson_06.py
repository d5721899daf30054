"""Wrong answers to lesson 06, as a learner would write them: exercise -> (source, mistake)."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "stored_numbers": [
        (
            "def stored_numbers(prefix_length, layers, labels, geometry):\n"
            "    prefix = pl.PrefixTuning.cost(geometry, prefix_length=prefix_length).stored\n"
            "    return prefix + labels * (geometry.hidden + 1)",
            "all layers",
        ),
        (
            "def stored_numbers(prefix_length, layers, labels, geometry):\n"
            "    return prefix_length * layers * 2 * geometry.kv_width + labels * geometry.hidden",
            "no bias",
        ),
        (
            "def stored_numbers(prefix_length, layers, labels, geometry):\n"
            "    return prefix_length * layers * 2 * geometry.kv_width + geometry.hidden + 1",
            "one head for all labels",
        ),
        (
            "def stored_numbers(prefix_length, layers, labels, geometry):\n"
            "    return prefix_length * layers * 2 * geometry.kv_width",
            "no head",
        ),
    ],
    "verbalizer_as_head": [
        (
            "def verbalizer_as_head(W, ids, h):\n    return torch.softmax(W @ h, dim=0)[ids]",
            "probabilities over the vocabulary",
        ),
        (
            "def verbalizer_as_head(W, ids, h):\n"
            "    scores = (W @ h)[ids]\n"
            "    return scores.exp() / scores.exp().sum()",
            "probabilities of the answers",
        ),
        (
            "def verbalizer_as_head(W, ids, h):\n"
            "    return torch.stack([W[i] @ h for i, _ in enumerate(ids)])",
            "first rows",
        ),
    ],
    "dropped": [
        ("def dropped(prefix, keep, p):\n    return torch.where(keep > 0, prefix, 0)", "no scale"),
        ("def dropped(prefix, keep, p):\n    return keep * prefix * (1 / p)", "scaled by p"),
        (
            "def dropped(prefix, keep, p):\n    return torch.where(keep > 0, 0, prefix) / (1 - p)",
            "kept what should go",
        ),
        ("def dropped(prefix, keep, p):\n    return prefix * keep * (1 - p)", "shrunk"),
    ],
}

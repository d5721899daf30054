"""Wrong answers to lesson 08, as a learner would write them: exercise -> (source, mistake)."""

_LOOP = (
    "def corrupt_spans(words, spans):\n"
    "    given, target, end = [], [], 0\n"
    "    for n, (start, length) in enumerate(spans):\n"
    "        given += words[end:start] + [SENTINEL]\n"
    "        end = start + length\n"
    "        target += [SENTINEL] + words[start:end]\n"
)

WRONG: dict[str, list[tuple[str, str]]] = {
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
    "span_corruption": [
        (
            _LOOP.replace("SENTINEL", "f'<extra_id_{n}>'")
            + "    return given + words[end:], target",
            "no sentinel at the end",
        ),
        (
            _LOOP.replace("SENTINEL", "'<extra_id_0>'")
            + "    return given + words[end:], target + ['<extra_id_0>']",
            "one sentinel for all",
        ),
        (
            "def corrupt_spans(words, spans):\n"
            "    given, target = list(words), []\n"
            "    for n, (start, length) in enumerate(spans):\n"
            "        given.insert(start + n, f'<extra_id_{n}>')\n"
            "        target += [f'<extra_id_{n}>'] + words[start:start + length]\n"
            "    return given, target + [f'<extra_id_{len(spans)}>']",
            "nothing taken out",
        ),
        (
            _LOOP.replace("SENTINEL", "f'<extra_id_{n}>'")
            + "    return given + words[end:], words",
            "the whole text as target",
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
}

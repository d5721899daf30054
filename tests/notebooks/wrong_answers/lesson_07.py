"""Wrong answers to lesson 07, as a learner would write them: exercise -> (source, mistake)."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "clipped_precision": [
        (
            "def clipped_precision(text, reference):\n"
            "    return len([word for word in text if word in reference]) / len(text)",
            "no clipping",
        ),
        (
            "def clipped_precision(text, reference):\n"
            "    both = sum(min(text.count(w), reference.count(w)) for w in set(text))\n"
            "    return both / len(reference)",
            "recall",
        ),
        (
            "def clipped_precision(text, reference):\n"
            "    return len(set(text) & set(reference)) / len(set(text))",
            "distinct words",
        ),
        (
            "def clipped_precision(text, reference):\n"
            "    return sum(min(text.count(w), reference.count(w)) for w in set(text))",
            "a count",
        ),
    ],
    "wrong_slots": [
        (
            "def wrong_slots(table, said):\n"
            "    return sum(1 for slot, value in table.items() if said.get(slot) != {value})",
            "invented",
        ),
        (
            "def wrong_slots(table, said):\n    return len(set(table) - set(said))",
            "missing alone",
        ),
        (
            "def wrong_slots(table, said):\n"
            "    lost = [slot for slot in table if table[slot] not in said.get(slot, ())]\n"
            "    return len(lost) + len(set(said) - set(table))",
            "both values",
        ),
        (
            "def wrong_slots(table, said):\n"
            "    return sum(said.get(slot) == {value} for slot, value in table.items())",
            "right slots",
        ),
    ],
    "text_positions": [
        (
            "def text_positions(mask, P):\n    return torch.arange(P, P + mask.shape[1]) * mask",
            "padding counts",
        ),
        (
            "def text_positions(mask, P):\n    return (mask.cumsum(-1) - 1).clamp(min=0)",
            "no prefix",
        ),
        (
            "def text_positions(mask, P):\n    return (mask.cumsum(-1) + P) * mask",
            "one too far",
        ),
        (
            "def text_positions(mask, P):\n    return P - 1 + mask.cumsum(-1)",
            "a number at the padding",
        ),
    ],
    "nucleus": [
        (
            "def nucleus(probabilities, top_p):\n"
            "    kept, so_far = torch.zeros_like(probabilities), 0.0\n"
            "    for token in probabilities.argsort(descending=True):\n"
            "        if so_far < top_p:\n"
            "            kept[token] = probabilities[token]\n"
            "        so_far += float(probabilities[token])\n"
            "    return kept",
            "not renormalised",
        ),
        (
            "def nucleus(probabilities, top_p):\n"
            "    kept, so_far = torch.zeros_like(probabilities), 0.0\n"
            "    for token in probabilities.argsort(descending=True):\n"
            "        so_far += float(probabilities[token])\n"
            "        if so_far <= top_p:\n"
            "            kept[token] = probabilities[token]\n"
            "    return kept / kept.sum()",
            "one too few",
        ),
        (
            "def nucleus(probabilities, top_p):\n"
            "    before = probabilities.cumsum(0) - probabilities\n"
            "    kept = torch.where(before < top_p, probabilities, 0)\n"
            "    return kept / kept.sum()",
            "in the given order",
        ),
        (
            "def nucleus(probabilities, top_p):\n"
            "    low = top_p * probabilities.max()\n"
            "    kept = torch.where(probabilities >= low, probabilities, 0)\n"
            "    return kept / kept.sum()",
            "share of the best",
        ),
    ],
}

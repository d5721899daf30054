"""Wrong answers to lesson 07, as a learner would write them: exercise -> (source, mistake)."""

from wrong_loops import WRONG_LOOPS_ON_TEXTS

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
    "writing_loop": WRONG_LOOPS_ON_TEXTS,
    "greedy": [
        (
            """
def greedy(model, cache, ids, most, end):
    written, new, seen = [], ids, 0
    while len(written) < most:
        places = torch.arange(seen, seen + len(new))[None]
        seen += len(new)
        mask = torch.ones(1, cache.get_seq_length() + len(new))
        out = model(torch.tensor([new]), position_ids=places, attention_mask=mask, cache=cache)
        token = out.logits[0, -1].argmax().item()
        if token == end:
            return written
        written.append(token)
        new = [token]
    return written
""",
            "positions without the prefix",
        ),
        (
            """
def greedy(model, cache, ids, most, end):
    written, new, seen = [], ids, 0
    while len(written) < most:
        before = cache.get_seq_length()
        places = torch.arange(before, before + len(new))[None]
        seen += len(new)
        mask = torch.ones(1, seen)
        out = model(torch.tensor([new]), position_ids=places, attention_mask=mask, cache=cache)
        token = out.logits[0, -1].argmax().item()
        if token == end:
            return written
        written.append(token)
        new = [token]
    return written
""",
            "a mask without the prefix",
        ),
        (
            """
def greedy(model, cache, ids, most, end):
    written, text = [], list(ids)
    for _ in range(most):
        token = model(torch.tensor([text]), cache=cache).logits[0, -1].argmax().item()
        if token == end:
            break
        text.append(token)
        written.append(token)
    return written
""",
            "all read again",
        ),
        (
            """
def greedy(model, cache, ids, most, end):
    written, new = [], ids
    for _ in range(most):
        token = model(torch.tensor([new]), cache=cache).logits[0, -1].argmax().item()
        written.append(token)
        if token == end:
            break
        new = [token]
    return written
""",
            "the end is written",
        ),
        (
            """
def greedy(model, cache, ids, most, end):
    written = []
    while len(written) < most:
        token = model(torch.tensor([ids]), cache=cache).logits[0, -1].argmax().item()
        if token == end:
            break
        written.append(token)
    return written
""",
            "the table read again",
        ),
    ],
    "slot_faults": [
        (
            """
def slot_faults(table, said):
    faults = dict.fromkeys(("missing", "wrong", "invented"), 0)
    for slot, value in table.items():
        if not said.get(slot):
            faults["missing"] += 1
        elif value not in said[slot]:
            faults["wrong"] += 1
    faults["invented"] = sum(1 for slot in said if said[slot] and slot not in table)
    return faults
""",
            "the right value is enough",
        ),
        (
            """
def slot_faults(table, said):
    faults = dict.fromkeys(("missing", "wrong", "invented"), 0)
    for slot, value in table.items():
        spoken = said.get(slot, set())
        if value not in spoken:
            faults["missing"] += 1
        elif spoken != {value}:
            faults["wrong"] += 1
    faults["invented"] = sum(1 for slot in said if said[slot] and slot not in table)
    return faults
""",
            "another value is missing",
        ),
        (
            """
def slot_faults(table, said):
    missing = sum(1 for slot in table if not said.get(slot))
    wrong = sum(1 for slot in table if said.get(slot) and said[slot] != {table[slot]})
    return {"missing": missing, "wrong": wrong, "invented": 0}
""",
            "nothing invented",
        ),
        (
            """
def slot_faults(table, said):
    faults = {"missing": 0, "wrong": 0, "invented": 0}
    for slot in set(table) | set(said):
        if slot not in said:
            faults["missing"] += 1
        elif slot not in table:
            faults["invented"] += 1
        elif said[slot] != {table[slot]}:
            faults["wrong"] += 1
    return faults
""",
            "an empty set is something said",
        ),
        (
            """
def slot_faults(table, said):
    faults = {"missing": 0, "wrong": 0, "invented": 0}
    for slot in set(table) | set(said):
        spoken = said.get(slot, set())
        if slot in table and not spoken:
            faults["missing"] += 1
        elif spoken and spoken != {table.get(slot)}:
            faults["wrong"] += 1
    return faults
""",
            "invented is wrong",
        ),
    ],
    "best_text": [
        (
            "def best_text(beams, alpha):\n"
            "    return max(range(len(beams)), key=lambda number: sum(beams[number]))",
            "no length",
        ),
        (
            "def best_text(beams, alpha):\n"
            "    means = [sum(log_p) / len(log_p) for log_p in beams]\n"
            "    return means.index(max(means))",
            "alpha left out",
        ),
        (
            "def best_text(beams, alpha):\n"
            "    scores = torch.tensor([sum(log_p) / len(log_p) ** alpha for log_p in beams])\n"
            "    return scores.argmin().item()",
            "the worst",
        ),
        (
            "def best_text(beams, alpha):\n"
            "    scores = [sum(log_p) * len(log_p) ** alpha for log_p in beams]\n"
            "    return scores.index(max(scores))",
            "multiplied",
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

"""Wrong answers to the exercises of lesson 05, as learners write them, and what they must hear."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "slots_that_count": [
        (
            """
def slots_that_count(parts):
    return [i for i in range(len(parts)) if parts[i] == "soft"]
""",
            "all slots",
        ),
        (
            """
def slots_that_count(parts):
    found = []
    for i, part in enumerate(parts):
        if part == "x":
            break
        if part == "soft":
            found.append(i)
    return found
""",
            "before the text only",
        ),
        (
            """
def slots_that_count(parts):
    start = parts.index("y") + 1
    return [start + i for i, part in enumerate(parts[start:]) if part == "soft"]
""",
            "after the answer",
        ),
        (
            """
def slots_that_count(parts):
    found = []
    for i in range(parts.index("x") + 1, parts.index("y")):
        if parts[i] == "soft":
            found.append(i)
    return found
""",
            "between text and answer only",
        ),
        (
            """
def slots_that_count(parts):
    found = []
    for i, part in enumerate(parts):
        if part == "y":
            return found
        found.append(i)
""",
            "places, not slots",
        ),
    ],
    "assemble": [
        (
            """
def assemble(pieces, virtual):
    rows = []
    for piece in pieces:
        if isinstance(piece, int):
            for i in range(piece):
                rows.append(virtual[i])
        else:
            rows.extend(piece)
    return torch.stack(rows)
""",
            "the first slots again",
        ),
        (
            """
def assemble(pieces, virtual):
    rows = [virtual]
    for piece in pieces:
        if not isinstance(piece, int):
            rows.append(piece)
    return torch.cat(rows, dim=0)
""",
            "all in front",
        ),
        (
            """
def assemble(pieces, virtual):
    rows = []
    for piece in pieces:
        if not isinstance(piece, int):
            rows.append(piece)
    rows.append(virtual)
    return torch.cat(rows, dim=0)
""",
            "all at the end",
        ),
        (
            """
def assemble(pieces, virtual):
    return torch.vstack([piece for piece in pieces if torch.is_tensor(piece)])
""",
            "slots left out",
        ),
        (
            """
def assemble(pieces, virtual):
    rows, group = [], 0
    for piece in pieces:
        if isinstance(piece, int):
            rows.append(virtual[group][None])
            group += 1
        else:
            rows.append(piece)
    return torch.vstack(rows)
""",
            "one vector a group",
        ),
    ],
    "both_ways": [
        (
            """
def both_ways(forward, backward):
    return torch.hstack([forward, backward])
""",
            "not turned round",
        ),
        (
            """
def both_ways(forward, backward):
    return torch.stack([forward, backward.flip(dims=[0])]).sum(0)
""",
            "added",
        ),
        (
            """
def both_ways(forward, backward):
    return torch.vstack([forward, torch.flip(backward, dims=[0])])
""",
            "below each other",
        ),
        (
            """
def both_ways(forward, backward):
    return torch.hstack([forward, torch.fliplr(backward)])
""",
            "columns turned round",
        ),
        (
            """
def both_ways(forward, backward):
    return torch.hstack([torch.flipud(backward), forward])
""",
            "backward first",
        ),
    ],
    "encoder_numbers": [
        (
            """
def encoder_numbers(slots, width):
    return torch.empty(slots, width).numel()
""",
            "what is kept",
        ),
        (
            """
def encoder_numbers(slots, width):
    layer_1 = 2 * 4 * (width * width + width * width + 2 * width)
    layer_2 = 2 * 4 * (2 * width * width + width * width + 2 * width)
    head = (2 * width * width + width) + (width * width + width)
    return slots * width + layer_1 + layer_2 + head
""",
            "full width per direction",
        ),
        (
            """
def encoder_numbers(slots, width):
    half = width // 2
    layer_1 = 4 * half * (width + half + 2)
    layer_2 = 4 * half * (half + half + 2)
    return slots * width + layer_1 + layer_2 + 2 * (width * width + width)
""",
            "one direction",
        ),
        (
            """
def encoder_numbers(slots, width):
    half = width // 2
    lstm = 2 * 4 * half * (width + half + 2)
    return slots * width + lstm + 2 * (width * width + width)
""",
            "one layer",
        ),
        (
            """
def encoder_numbers(slots, width):
    half = width // 2
    gate = half * width + half * half + half
    return slots * width + 2 * 2 * 4 * gate + 2 * (width * width + width)
""",
            "one bias",
        ),
        (
            """
def encoder_numbers(slots, width):
    half = width // 2
    cell = half * width + half * half + 2 * half
    return slots * width + 2 * 2 * cell + 2 * (width * width + width)
""",
            "no gates",
        ),
        (
            """
def encoder_numbers(slots, width):
    half = width // 2
    cell = half * width + half * half + 2 * half
    return slots * width + 2 * 2 * 4 * cell
""",
            "no head",
        ),
        (
            """
def encoder_numbers(slots, width):
    half = width // 2
    cell = half * width + half * half + 2 * half
    return 2 * 2 * 4 * cell + 2 * (width * width + width)
""",
            "no embedding",
        ),
    ],
    "fair": [
        (
            """
def fair(tried):
    return {name: max(accuracy for _, _, accuracy in rows) for name, rows in tried.items()}
""",
            "chosen on the test",
        ),
        (
            """
def fair(tried):
    found = {}
    for name, rows in tried.items():
        losses = [row[1] for row in rows]
        found[name] = rows[losses.index(max(losses))][2]
    return found
""",
            "the worst on validation",
        ),
        (
            """
def fair(tried):
    return {name: sorted(rows)[0][-1] for name, rows in tried.items()}
""",
            "the lowest rate",
        ),
        (
            """
def fair(tried):
    found = {}
    for name in tried:
        rate, loss, accuracy = tried[name][0]
        found[name] = accuracy
    return found
""",
            "the first row",
        ),
        (
            """
def fair(tried):
    return {name: min(loss for _, loss, _ in rows) for name, rows in tried.items()}
""",
            "the validation loss",
        ),
    ],
}

"""Wrong answers to lesson 09, as a learner would write them: exercise -> (source, mistake)."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "tasks_in_the_room": [
        (
            "def tasks_in_the_room(parameters, prompt_length, hidden):\n"
            "    return parameters // hidden",
            "one token",
        ),
        (
            "def tasks_in_the_room(parameters, prompt_length, hidden):\n"
            "    prompt_bytes = 4 * prompt_length * hidden\n"
            "    return parameters // prompt_bytes",
            "bytes against numbers",
        ),
        (
            "def tasks_in_the_room(parameters, prompt_length, hidden):\n"
            "    return parameters / (prompt_length * hidden)",
            "parts of a task",
        ),
        (
            "def tasks_in_the_room(parameters, prompt_length, hidden):\n"
            "    return prompt_length * hidden / parameters",
            "upside down",
        ),
    ],
    "prefix_mask": [
        (
            "def prefix_mask(lengths):\n    return torch.zeros(len(lengths), max(lengths)) == 0",
            "zero is nothing",
        ),
        (
            "def prefix_mask(lengths):\n"
            "    positions = torch.arange(max(lengths))\n"
            "    return torch.stack([positions <= length for length in lengths])",
            "one too many",
        ),
        (
            "def prefix_mask(lengths):\n"
            "    longest = max(lengths)\n"
            "    rows = [[False] * (longest - n) + [True] * n for n in lengths]\n"
            "    return torch.tensor(rows)",
            "filled in front",
        ),
        (
            "def prefix_mask(lengths):\n"
            "    lengths = torch.as_tensor(lengths)\n"
            "    return torch.arange(int(lengths.max())) >= lengths[:, None]",
            "turned round",
        ),
    ],
    "majority_vote": [
        (
            "def majority_vote(scores):\n    return scores.sum(0).argmax(-1)",
            "the loudest",
        ),
        (
            "def majority_vote(scores):\n    return scores.softmax(-1).mean(0).argmax(-1)",
            "mean probability",
        ),
        (
            "def majority_vote(scores):\n    return scores.argmax(-1)[0]",
            "the first member",
        ),
        (
            "def majority_vote(scores):\n"
            "    chosen = scores.argmax(-1).float()\n"
            "    return (chosen.mean(1) > 0.5).long()",
            "across the examples",
        ),
    ],
}

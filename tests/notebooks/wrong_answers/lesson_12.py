"""Wrong answers to lesson 12, as a learner would write them: exercise -> (source, mistake)."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "begin": [
        (
            """
def begin(keys, values, length, frozen):
    keys, values = keys[:, :, :, -length:], values[:, :, :, -length:]
    both = torch.stack([keys, values])
    return both[:, :, :, :, :frozen], both[:, :, :, :, frozen:]
""",
            "last positions",
        ),
        (
            """
def begin(keys, values, length, frozen):
    both = torch.stack([keys, values])
    return both[..., :frozen, :], both[..., frozen:, :]
""",
            "nothing cut",
        ),
        (
            """
def begin(keys, values, length, frozen):
    both = torch.stack([keys, values])
    first, rest = both[..., :frozen, :], both[..., frozen:, :]
    return first, rest[..., :length, :]
""",
            "frozen on top",
        ),
        (
            """
def begin(keys, values, length, frozen):
    both = torch.stack([keys[..., :length, :], values[..., :length, :]])
    return both[..., :frozen, :], both
""",
            "frozen ones trained too",
        ),
        (
            """
def begin(keys, values, length, frozen):
    both = torch.stack([keys[..., :length, :], values[..., :length, :]])
    return both[..., frozen:, :], both[..., :frozen, :]
""",
            "parts exchanged",
        ),
        (
            """
def begin(keys, values, length, frozen):
    both = torch.stack([values, keys], dim=0)[..., :length, :]
    return both[..., :frozen, :], both[..., frozen:, :]
""",
            "values first",
        ),
        (
            """
def begin(keys, values, length, frozen):
    both = torch.stack([keys[..., :length, :]] * 2)
    return both[..., :frozen, :], both[..., frozen:, :]
""",
            "the keys twice",
        ),
    ],
    "distillation_loss": [
        (
            """
def distillation_loss(teacher, student):
    log_t, log_s = teacher.log_softmax(-1), student.log_softmax(-1)
    return (log_s.exp() * (log_s - log_t)).sum(-1).mean()
""",
            "other direction",
        ),
        (
            """
def distillation_loss(teacher, student):
    return -(teacher.softmax(-1) * student.log_softmax(-1)).sum(-1).mean()
""",
            "cross-entropy",
        ),
        (
            """
def distillation_loss(teacher, student):
    return torch.nn.functional.cross_entropy(student, teacher.argmax(1))
""",
            "hard labels",
        ),
        (
            """
def distillation_loss(teacher, student):
    log_t, log_s = teacher.log_softmax(-1), student.log_softmax(-1)
    return (log_t.exp() * (log_t - log_s)).sum()
""",
            "summed",
        ),
        (
            """
def distillation_loss(teacher, student):
    log_t, log_s = teacher.log_softmax(-1), student.log_softmax(-1)
    return (log_t.exp() * (log_t - log_s)).mean()
""",
            "mean over the answers",
        ),
        (
            """
def distillation_loss(teacher, student):
    return (teacher.log_softmax(-1) - student.log_softmax(-1)).sum(-1).mean()
""",
            "not weighed",
        ),
        (
            """
def distillation_loss(teacher, student):
    p = teacher.softmax(-1)
    return (p * (teacher - student)).sum(-1).mean()
""",
            "scores for logarithms",
        ),
        (
            """
def distillation_loss(teacher, student):
    return ((teacher - student) ** 2).mean()
""",
            "squared scores",
        ),
    ],
    "served": [
        (
            """
def served(memory, positions, geometry):
    return memory // (positions * geometry.layers * 2 * geometry.kv_width)
""",
            "numbers for bytes",
        ),
        (
            """
def served(memory, positions, geometry):
    return memory // (4 * positions * geometry.layers * geometry.kv_width)
""",
            "keys only",
        ),
        (
            """
def served(memory, positions, geometry):
    return memory // (4 * positions * geometry.layers * 2 * geometry.hidden)
""",
            "query heads",
        ),
        (
            """
def served(memory, positions, geometry):
    return memory // (8 * positions * geometry.kv_width)
""",
            "one layer",
        ),
        (
            """
def served(memory, positions, geometry):
    return memory / (4 * positions * geometry.layers * 2 * geometry.kv_width)
""",
            "a part of one",
        ),
    ],
    "pays_from": [
        (
            """
def pays_from(training, text, cartridge):
    return int(training / (text - cartridge))
""",
            "one too few",
        ),
        (
            """
def pays_from(training, text, cartridge):
    return -int(-training // (text - cartridge))
""",
            "even is not ahead",
        ),
        (
            """
def pays_from(training, text, cartridge):
    return int(training // text) + 1
""",
            "training over the text",
        ),
        (
            """
def pays_from(training, text, cartridge):
    return int(training // cartridge) + 1
""",
            "training over the cartridge",
        ),
        (
            """
def pays_from(training, text, cartridge):
    return training / (text - cartridge)
""",
            "a part of a query",
        ),
    ],
    "compose": [
        (
            """
def compose(one, other):
    few = min(one.shape[-2], other.shape[-2])
    return torch.cat([one[..., :few, :], other[..., :few, :]], dim=3)
""",
            "along the heads",
        ),
        (
            """
def compose(one, other):
    few = min(one.shape[-2], other.shape[-2])
    return torch.cat([one[..., :few, :], other[..., :few, :]], dim=2)
""",
            "along the batch",
        ),
        (
            """
def compose(one, other):
    few = min(one.shape[-2], other.shape[-2])
    return torch.cat([one[..., :few, :], other[..., :few, :]], dim=-1)
""",
            "along the width",
        ),
        (
            """
def compose(one, other):
    return one[..., : other.shape[-2], :] + other
""",
            "added",
        ),
        (
            """
def compose(one, other):
    return torch.cat([other, one], dim=4)
""",
            "the second in front",
        ),
    ],
}

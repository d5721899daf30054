"""Wrong answers to lesson 11, as a learner would write them: exercise -> (source, mistake)."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "counted_softmax": [
        (
            "def counted_softmax(scores, counts):\n"
            "    return torch.softmax(scores * counts, dim=-1)",
            "counts times scores",
        ),
        (
            "def counted_softmax(scores, counts):\n"
            "    weights = torch.exp(scores + counts)\n"
            "    return weights / weights.sum()",
            "counts added",
        ),
        (
            "def counted_softmax(scores, counts):\n"
            "    weights = scores.exp() / scores.exp().sum()\n"
            "    return weights * counts",
            "not divided again",
        ),
        (
            "def counted_softmax(scores, counts):\n    return torch.softmax(scores, dim=0)",
            "no counts",
        ),
    ],
    "accuracy_error": [
        (
            "def accuracy_error(accuracy, sentences):\n"
            "    return accuracy * (1 - accuracy) / sentences",
            "variance",
        ),
        (
            "def accuracy_error(accuracy, sentences):\n"
            "    return (accuracy * (1 - accuracy)) ** 0.5",
            "one sentence",
        ),
        (
            "def accuracy_error(accuracy, sentences):\n"
            "    return (accuracy - accuracy ** 2) ** 0.5 / sentences",
            "divided by n",
        ),
        (
            "def accuracy_error(accuracy, sentences):\n"
            "    return 1.96 * (accuracy * (1 - accuracy) / sentences) ** 0.5",
            "95% interval",
        ),
    ],
    "paired_difference": [
        (
            "def paired_difference(ours, theirs):\n"
            "    a, b = torch.tensor(ours), torch.tensor(theirs)\n"
            "    error = (a.var() / len(a) + b.var() / len(b)) ** 0.5\n"
            "    return (a.mean() - b.mean()).item(), error.item()",
            "unpaired",
        ),
        (
            "def paired_difference(ours, theirs):\n"
            "    apart = torch.tensor(ours) - torch.tensor(theirs)\n"
            "    return apart.mean().item(), apart.std().item()",
            "spread of one",
        ),
        (
            "def paired_difference(ours, theirs):\n"
            "    apart = torch.tensor(ours) - torch.tensor(theirs)\n"
            "    n = len(apart)\n"
            "    return apart.mean().item(), apart.std(correction=0).item() / n ** 0.5",
            "divided by n",
        ),
        (
            "def paired_difference(ours, theirs):\n"
            "    apart = torch.tensor(theirs) - torch.tensor(ours)\n"
            "    return apart.mean().item(), apart.std().item() / len(apart) ** 0.5",
            "theirs minus ours",
        ),
    ],
}

"""Wrong answers to lesson 11, as a learner would write them: exercise -> (source, mistake)."""

CLOSE = "def close(one, other):\n    return torch.allclose(one, other, atol=1e-5)\n"
NULL = f"{CLOSE}def same_when_off(variant, keys, values, new):\n"
SAME = (
    f"{NULL}"
    "    def same(at):\n"
    "        k, v = variant(keys, values, at)\n"
    "        return close(k, keys) and close(v, values)\n"
)
PAIRED = (
    "def paired_interval(ours, theirs):\n"
    "    from scipy.stats import t\n"
    "    apart = torch.tensor(ours).double() - torch.tensor(theirs).double()\n"
    "    n, mean = len(apart), apart.mean().item()\n"
)
ENDS = "    return mean, mean - half, mean + half"
SEEDS = (
    "def seeds_needed(difference, spread):\n"
    "    from prefixlab.workbook.significance import power\n"
    "    n = 2\n"
)

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
    "variant": [
        (
            "def variant(keys, values, new):\n    return values * (1 + new[:, None, :, None])",
            "no pair",
        ),
        (
            "def variant(keys, values, new):\n"
            "    values *= 1 + 0.5 + new[:, None, :, None].detach()\n"
            "    return keys, values",
            "in place",
        ),
        (
            "def variant(keys, values, new):\n"
            "    louder = values[:, :, None] * (1 + new[:, None, None, :, None])\n"
            "    return keys, louder",
            "another shape",
        ),
        (
            "def variant(keys, values, new):\n"
            "    return values * (1 + new[:, None, :, None]), keys",
            "swapped",
        ),
        (
            "def variant(keys, values, new):\n    return keys, values * new[:, None, :, None]",
            "not off",
        ),
        (
            "def variant(keys, values, new):\n"
            "    volume = torch.ones_like(new)\n"
            "    return keys, values * volume[:, None, :, None]",
            "nothing new",
        ),
        (
            "def variant(keys, values, new):\n"
            "    return keys, values * (1 + new[:, None, :, None] ** 2)",
            "cannot start",
        ),
        (
            "def variant(keys, values, new):\n"
            "    return keys, values * (1 + new[:, :1, None, None])",
            "some cannot start",
        ),
    ],
    "same_when_off": [
        (
            f"{SAME}    return same(new), not same(new)",
            "never switched off",
        ),
        (
            f"{SAME}    return same(torch.ones_like(new)), not same(new)",
            "ones for off",
        ),
        (
            f"{NULL}"
            "    def same(at):\n"
            "        k, v = variant(keys, values, at)\n"
            "        return torch.equal(k, keys) and torch.equal(v, values)\n"
            "    return same(0 * new), not same(new)",
            "exactly equal",
        ),
        (
            f"{NULL}"
            "    def same(at):\n"
            "        return close(variant(keys, values, at)[1], values)\n"
            "    return same(0 * new), not same(new)",
            "values only",
        ),
        (
            f"{NULL}"
            "    k, v = variant(keys, values, 0 * new)\n"
            "    off = close(k, keys) and close(v, values)\n"
            "    k, v = variant(keys, values, new)\n"
            "    return off, not close(k, keys) and not close(v, values)",
            "both must move",
        ),
        (
            f"{NULL}"
            "    off, on = variant(keys, values, 0 * new), variant(keys, values, new)\n"
            "    return off[1].shape == values.shape, on[1].shape == values.shape",
            "shapes only",
        ),
        (
            f"{SAME}    return same(0 * new), same(new)",
            "one answer twice",
        ),
    ],
    "paired_interval": [
        (
            "def paired_interval(ours, theirs):\n"
            "    from scipy.stats import t\n"
            "    a, b = torch.tensor(ours).double(), torch.tensor(theirs).double()\n"
            "    error = (a.var() / len(a) + b.var() / len(b)) ** 0.5\n"
            "    half = t.ppf(0.975, len(a) - 1) * error.item()\n"
            "    mean = (a.mean() - b.mean()).item()\n"
            f"{ENDS}",
            "unpaired",
        ),
        (
            f"{PAIRED}    half = t.ppf(0.975, n - 1) * apart.std().item()\n{ENDS}",
            "spread of one",
        ),
        (
            f"{PAIRED}    half = t.ppf(0.975, n - 1) * apart.std(correction=0).item() / n ** 0.5\n"
            f"{ENDS}",
            "divided by n",
        ),
        (
            f"{PAIRED}    half = 1.96 * apart.std().item() / n ** 0.5\n{ENDS}",
            "of the normal",
        ),
        (
            f"{PAIRED}    half = t.ppf(0.975, n) * apart.std().item() / n ** 0.5\n{ENDS}",
            "n degrees of freedom",
        ),
        (
            f"{PAIRED}    half = t.ppf(0.95, n - 1) * apart.std().item() / n ** 0.5\n{ENDS}",
            "one-sided",
        ),
        (
            f"{PAIRED}    half = t.ppf(0.975, n - 1) * apart.std().item() / n ** 0.5\n"
            "    return -mean, -mean - half, -mean + half",
            "theirs minus ours",
        ),
    ],
    "verdict": [
        (
            "def verdict(interval, claimed):\n"
            "    middle = (interval[0] + interval[1]) / 2\n"
            "    return 'shown' if claimed[0] < middle < claimed[1] else 'contrary'",
            "by the mean",
        ),
        (
            "def verdict(interval, claimed):\n"
            "    apart = interval[1] < claimed[0] or claimed[1] < interval[0]\n"
            "    return 'contrary' if apart else 'shown'",
            "overlap is enough",
        ),
        (
            "def verdict(interval, claimed):\n"
            "    if claimed[0] < interval[0] and interval[1] < claimed[1]:\n"
            "        return 'shown'\n"
            "    return 'contrary'",
            "not shown is contrary",
        ),
        (
            "def verdict(interval, claimed):\n"
            "    if interval[0] > 0:\n"
            "        return 'shown'\n"
            "    return 'contrary' if interval[1] < 0 else 'not decided'",
            "zero decides",
        ),
        (
            "def verdict(interval, claimed):\n"
            "    if interval[0] < claimed[0] and claimed[1] < interval[1]:\n"
            "        return 'shown'\n"
            "    if interval[1] < claimed[0] or claimed[1] < interval[0]:\n"
            "        return 'contrary'\n"
            "    return 'not decided'",
            "the other way round",
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
    "seeds_needed": [
        (
            "def seeds_needed(difference, spread):\n"
            "    from math import ceil\n"
            "    from scipy.stats import norm\n"
            "    z = norm.ppf(0.975) + norm.ppf(0.8)\n"
            "    return ceil((z * spread / difference) ** 2)",
            "normal quantiles",
        ),
        (
            "def seeds_needed(difference, spread):\n"
            "    from scipy.stats import t\n"
            "    n = 2\n"
            "    while t.ppf(0.975, n - 1) * spread / n ** 0.5 >= difference:\n"
            "        n += 1\n"
            "    return n",
            "half the power",
        ),
        (
            f"{SEEDS}    while power(n, difference / spread) < 0.5:\n        n += 1\n    return n",
            "power of one half",
        ),
        (
            f"{SEEDS}    while power(n, difference / spread) < 0.95:\n        n += 1\n    return n",
            "power of 95%",
        ),
        (
            f"{SEEDS}    while power(n, spread / difference) < 0.8:\n        n += 1\n    return n",
            "turned around",
        ),
    ],
    "lucky_winner": [
        ("def lucky_winner(ideas):\n    return ideas * 0.025", "added up"),
        ("def lucky_winner(ideas):\n    return 0.025 ** ideas", "all of them"),
        ("def lucky_winner(ideas):\n    return (1 - 0.025) ** ideas", "none of them"),
        ("def lucky_winner(ideas):\n    return 1 - (1 - 0.05) ** ideas", "both sides"),
    ],
}

"""Wrong answers to lesson 09, as a learner would write them: exercise -> (source, mistake)."""

STACK = (
    "def stack(prefixes):\n"
    "    longest = max(prefix.shape[-2] for prefix in prefixes)\n"
    "    filled, seen = [], []\n"
    "    for prefix in prefixes:\n"
    "        length = prefix.shape[-2]\n"
)

WRONG: dict[str, list[tuple[str, str]]] = {
    "stack": [
        (
            STACK + "        zeros = prefix.new_zeros(*prefix.shape[:-2], longest - length, 4)\n"
            "        filled.append(torch.cat([zeros, prefix], dim=-2))\n"
            "        seen.append([True] * longest)\n"
            "    return torch.stack(filled, dim=2), torch.tensor(seen)",
            "zero is nothing",
        ),
        (
            STACK + "        zeros = prefix.new_zeros(*prefix.shape[:-2], longest - length, 4)\n"
            "        filled.append(torch.cat([prefix, zeros], dim=-2))\n"
            "        seen.append([True] * length + [False] * (longest - length))\n"
            "    return torch.stack(filled, dim=2), torch.tensor(seen)",
            "filled behind",
        ),
        (
            STACK + "        pad = (0, 0, longest - length, 0)\n"
            "        filled.append(torch.nn.functional.pad(prefix, pad))\n"
            "        seen.append(torch.arange(longest) < length)\n"
            "    return torch.stack(filled, dim=2), torch.stack(seen)",
            "mask of the other side",
        ),
        (
            STACK + "        pad = (0, 0, longest - length, 0)\n"
            "        filled.append(torch.nn.functional.pad(prefix, pad))\n"
            "        seen.append(torch.arange(longest) < longest - length)\n"
            "    return torch.stack(filled, dim=2), torch.stack(seen)",
            "turned round",
        ),
        (
            STACK + "        pad = (0, 0, longest - length, 0)\n"
            "        filled.append(torch.nn.functional.pad(prefix, pad))\n"
            "        seen.append(torch.arange(longest) >= longest - length)\n"
            "    return torch.stack(filled), torch.stack(seen)",
            "rows in front",
        ),
        (
            "def stack(prefixes):\n"
            "    shortest = min(prefix.shape[-2] for prefix in prefixes)\n"
            "    cut = [prefix[..., :shortest, :] for prefix in prefixes]\n"
            "    seen = torch.ones(len(prefixes), shortest, dtype=torch.bool)\n"
            "    return torch.stack(cut, dim=2), seen",
            "cut to the shortest",
        ),
    ],
    "positions_of": [
        (
            "def positions_of(mask):\n    return torch.arange(mask.shape[1]).repeat(len(mask), 1)",
            "the columns",
        ),
        (
            "def positions_of(mask):\n    return mask.long().cumsum(dim=1)",
            "from one",
        ),
        (
            "def positions_of(mask):\n    return mask.long().cumsum(dim=1) - 1",
            "below zero",
        ),
        (
            "def positions_of(mask):\n    return (mask.long().cumsum(dim=0) - 1).clamp(min=0)",
            "down the rows",
        ),
        (
            "def positions_of(mask):\n"
            "    rows = []\n"
            "    for row in mask:\n"
            "        first = row.tolist().index(True)\n"
            "        rows.append((torch.arange(len(row)) - first).clamp(min=0))\n"
            "    return torch.stack(rows)",
            "the first gap only",
        ),
        (
            "def positions_of(mask):\n"
            "    positions = mask.cumsum(1) - 1\n"
            "    positions[~mask] = 0\n"
            "    return positions",
            "zero in every gap",
        ),
    ],
    "vote": [
        (
            "def vote(margins):\n    return (margins.sum(0) > 0).long()",
            "the loudest",
        ),
        (
            "def vote(margins):\n"
            "    p = 1 / (1 + (-margins).exp())\n"
            "    return (p.mean(0) > 0.5).long()",
            "mean probability",
        ),
        (
            "def vote(margins):\n    return (margins > 0).long()[0]",
            "the first member",
        ),
        (
            "def vote(margins):\n"
            "    chosen = (margins > 0).float()\n"
            "    return (chosen.mean(dim=1) > 0.5).long()",
            "across the sentences",
        ),
        (
            "def vote(margins):\n    return (margins.min(0).values > 0).long()",
            "all must agree",
        ),
        (
            "def vote(margins):\n    return ((margins > 0).sum(0) > 0).long()",
            "one is enough",
        ),
    ],
    "mean_probability": [
        (
            "def mean_probability(margins):\n    return torch.sigmoid(margins.mean(0))",
            "mean margin",
        ),
        (
            "def mean_probability(margins):\n    return (margins > 0).float().mean(0)",
            "share of the votes",
        ),
        (
            "def mean_probability(margins):\n    return torch.sigmoid(margins).mean(1)",
            "across the sentences",
        ),
        (
            "def mean_probability(margins):\n    return torch.sigmoid(-margins).mean(0)",
            "the other answer",
        ),
        (
            "def mean_probability(margins):\n    return margins.softmax(0).mean(0)",
            "softmax over the members",
        ),
        (
            "def mean_probability(margins):\n    return torch.sigmoid(margins).sum(0)",
            "not divided",
        ),
    ],
    "bytes_of_tasks": [
        (
            "def bytes_of_tasks(tasks, what, geometry):\n"
            "    g = geometry\n"
            "    if what == 'weights':\n"
            "        return tasks * g.parameters\n"
            "    one = g.hidden if what == 'prompt' else g.layers * 2 * g.kv_heads * g.head_dim\n"
            "    return g.parameters + tasks * 10 * one",
            "numbers for bytes",
        ),
        (
            "def bytes_of_tasks(tasks, what, geometry):\n"
            "    g = geometry\n"
            "    one = 10 * g.hidden\n"
            "    if what == 'weights':\n"
            "        one = g.parameters\n"
            "    if what == 'prefix':\n"
            "        one = 10 * g.layers * 2 * g.kv_heads * g.head_dim\n"
            "    return 4 * tasks * one",
            "no model",
        ),
        (
            "def bytes_of_tasks(tasks, what, geometry):\n"
            "    g = geometry\n"
            "    one = g.parameters\n"
            "    if what == 'prompt':\n"
            "        one += 10 * g.hidden\n"
            "    if what == 'prefix':\n"
            "        one += 10 * g.layers * 2 * g.kv_heads * g.head_dim\n"
            "    return 4 * tasks * one",
            "a model for each",
        ),
        (
            "def bytes_of_tasks(tasks, what, geometry):\n"
            "    g = geometry\n"
            "    one = {'weights': g.parameters, 'prompt': 10 * g.hidden,\n"
            "           'prefix': 10 * g.layers * 2 * g.kv_heads * g.head_dim}[what]\n"
            "    return 4 * (g.parameters + tasks * one)",
            "one model more",
        ),
        (
            "def bytes_of_tasks(tasks, what, geometry):\n"
            "    g = geometry\n"
            "    if what == 'weights':\n"
            "        return 4 * tasks * g.parameters\n"
            "    one = g.hidden if what == 'prompt' else g.layers * 2 * g.heads * g.head_dim\n"
            "    return 4 * (g.parameters + tasks * 10 * one)",
            "query heads",
        ),
        (
            "def bytes_of_tasks(tasks, what, geometry):\n"
            "    g = geometry\n"
            "    if what == 'weights':\n"
            "        return 4 * tasks * g.parameters\n"
            "    one = g.hidden if what == 'prompt' else g.layers * g.kv_heads * g.head_dim\n"
            "    return 4 * (g.parameters + tasks * 10 * one)",
            "keys only",
        ),
    ],
    "positions_computed": [
        (
            "def positions_computed(requests, n, m, members):\n"
            "    anew = requests * members * (m + n)\n"
            "    return anew, members * m + requests * n",
            "text read once",
        ),
        (
            "def positions_computed(requests, n, m, members):\n"
            "    return requests * (m + n), m + requests * n",
            "one member",
        ),
        (
            "def positions_computed(requests, n, m, members):\n"
            "    return requests * members * (m + n), requests * members * n",
            "kept is free",
        ),
        (
            "def positions_computed(requests, n, m, members):\n"
            "    return requests * members * (m + n), m + requests * members * n",
            "one prompt kept",
        ),
        (
            "def positions_computed(requests, n, m, members):\n"
            "    texts = requests * members * n\n"
            "    return texts + members * m, texts + requests * members * m",
            "exchanged",
        ),
        (
            "def positions_computed(requests, n, m, members):\n"
            "    return members * (m + n), members * m + members * n",
            "of one request",
        ),
    ],
    "paired_test": [
        (
            "def paired_test(before, after):\n"
            "    gained, lost = (after & ~before).sum().item(), (before & ~after).sum().item()\n"
            "    n, a, b = len(before), before.double().mean(), after.double().mean()\n"
            "    both = (a + b) / 2\n"
            "    z = (b - a).abs() / (2 * both * (1 - both) / n).sqrt()\n"
            "    normal = torch.distributions.Normal(0.0, 1.0)\n"
            "    return gained, lost, (2 * (1 - normal.cdf(z))).item()",
            "unpaired",
        ),
        (
            "def paired_test(before, after):\n"
            "    from scipy.stats import binomtest\n"
            "    gained, lost = (after & ~before).sum().item(), (before & ~after).sum().item()\n"
            "    return gained, lost, binomtest(min(gained, lost), len(before)).pvalue",
            "all sentences",
        ),
        (
            "def paired_test(before, after):\n"
            "    from scipy.stats import binom\n"
            "    gained, lost = (after & ~before).sum().item(), (before & ~after).sum().item()\n"
            "    return gained, lost, float(binom.cdf(min(gained, lost), gained + lost, 0.5))",
            "one side",
        ),
        (
            "def paired_test(before, after):\n"
            "    from scipy.stats import binom\n"
            "    gained, lost = (after & ~before).sum().item(), (before & ~after).sum().item()\n"
            "    return gained, lost, 2 * float(binom.cdf(min(gained, lost), gained + lost, 0.5))",
            "above one",
        ),
        (
            "def paired_test(before, after):\n"
            "    from scipy.stats import binom\n"
            "    gained, lost = (after & ~before).sum().item(), (before & ~after).sum().item()\n"
            "    just = float(binom.pmf(gained, gained + lost, 0.5))\n"
            "    return gained, lost, min(1.0, 2 * just)",
            "just so many",
        ),
        (
            "def paired_test(before, after):\n"
            "    from scipy.stats import binomtest\n"
            "    gained, lost = (before & ~after).sum().item(), (after & ~before).sum().item()\n"
            "    return gained, lost, float(binomtest(gained, gained + lost).pvalue)",
            "gained and lost exchanged",
        ),
        (
            "def paired_test(before, after):\n"
            "    from scipy.stats import binomtest\n"
            "    gained, lost = (after & ~before).sum().item(), (before & ~after).sum().item()\n"
            "    p = float(binomtest(gained, gained + lost).pvalue)\n"
            "    return after.sum().item(), before.sum().item(), p",
            "right before and after",
        ),
    ],
}

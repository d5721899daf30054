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
        ("def verbalizer_as_head(W, ids, h):\n    return W[ids] * h", "not added up"),
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
    "layers_given": [
        (
            "def layers_given(prefix, layers):\n"
            "    given = {}\n"
            "    for i in range(prefix.shape[1]):\n"
            "        keys, values = prefix[:, i].unbind(1)\n"
            "        given[i] = keys.transpose(0, 1)[None], values.transpose(0, 1)[None]\n"
            "    return given",
            "numbered anew",
        ),
        (
            "def layers_given(prefix, layers):\n"
            "    keys, values = prefix[:, 0].unbind(1)\n"
            "    both = keys.transpose(0, 1)[None], values.transpose(0, 1)[None]\n"
            "    return dict.fromkeys(layers, both)",
            "one place for all",
        ),
        (
            "def layers_given(prefix, layers):\n"
            "    return {\n"
            "        layer: tuple(prefix[:, i, part].transpose(0, 1)[None] for part in (1, 0))\n"
            "        for i, layer in enumerate(layers)\n"
            "    }",
            "values first",
        ),
        (
            "def layers_given(prefix, layers):\n"
            "    return {\n"
            "        layer: (prefix[None, :, i, 0], prefix[None, :, i, 1])\n"
            "        for i, layer in enumerate(layers)\n"
            "    }",
            "positions and heads not exchanged",
        ),
        (
            "def layers_given(prefix, layers):\n"
            "    return {\n"
            "        layer: tuple(prefix[:, i].permute(1, 2, 0, 3))\n"
            "        for i, layer in enumerate(layers)\n"
            "    }",
            "no batch",
        ),
        (
            "def layers_given(prefix, layers):\n"
            "    return [\n"
            "        tuple(prefix[:, i].permute(1, 2, 0, 3)[:, None]) for i in range(len(layers))\n"
            "    ]",
            "a list",
        ),
    ],
    "label_scores": [
        (
            "def label_scores(hidden, head):\n"
            "    weights, bias = head[:, :-1], head[:, -1:]\n"
            "    return hidden @ weights.T",
            "no bias",
        ),
        (
            "def label_scores(hidden, head):\n    return hidden @ head[:, 1:].T + head[:, 0]",
            "bias in front",
        ),
        (
            "def label_scores(hidden, head):\n    return hidden @ head[:, :-1].T - head[:, -1]",
            "bias taken off",
        ),
        (
            "def label_scores(hidden, head):\n"
            "    return torch.softmax(hidden @ head[:, :-1].T + head[:, -1], dim=-1)",
            "probabilities",
        ),
        (
            "def label_scores(hidden, head):\n"
            "    return torch.stack([hidden @ row[:-1] + row[-1] for row in head])",
            "labels first",
        ),
    ],
    "head_gradient": [
        (
            "def head_gradient(scores, h, label):\n"
            "    wrong = -scores.softmax(0)\n"
            "    wrong[label] += 1\n"
            "    return wrong[:, None] * torch.cat([h, torch.ones(1)])",
            "uphill",
        ),
        (
            "def head_gradient(scores, h, label):\n"
            "    p = scores.exp() / scores.exp().sum()\n"
            "    return p[:, None] * torch.cat([h, torch.ones(1)])[None]",
            "probabilities alone",
        ),
        (
            "def head_gradient(scores, h, label):\n"
            "    gradient = torch.zeros(len(scores), len(h) + 1)\n"
            "    gradient[label] = (scores.softmax(0)[label] - 1) * torch.cat([h, torch.ones(1)])\n"
            "    return gradient",
            "the right label alone",
        ),
        (
            "def head_gradient(scores, h, label):\n"
            "    wrong = scores.softmax(0)\n"
            "    wrong[label] -= 1\n"
            "    return wrong[:, None] * h",
            "no bias",
        ),
        (
            "def head_gradient(scores, h, label):\n"
            "    wrong = scores.softmax(0)\n"
            "    wrong[label] -= 1\n"
            "    return torch.nn.functional.pad(torch.outer(wrong, h), (0, 1))",
            "nothing for the bias",
        ),
        (
            "def head_gradient(scores, h, label):\n"
            "    wrong = scores.softmax(0)\n"
            "    wrong[label] -= 1\n"
            "    return torch.outer(torch.cat([h, torch.ones(1)]), wrong)",
            "activations first",
        ),
    ],
    "first_only": [
        (
            "def first_only(word_of_token, tags):\n"
            "    return [-100 if word is None else tags[word] for word in word_of_token]",
            "every sub-token",
        ),
        (
            "def first_only(word_of_token, tags):\n"
            "    labels, after = [], [*word_of_token[1:], None]\n"
            "    for word, following in zip(word_of_token, after):\n"
            "        last = word is not None and word != following\n"
            "        labels.append(tags[word] if last else -100)\n"
            "    return labels",
            "the last sub-token",
        ),
        (
            "def first_only(word_of_token, tags):\n"
            "    labels, last = [], None\n"
            "    for word in word_of_token:\n"
            "        labels.append(tags[word] if word not in (None, last) else 0)\n"
            "        last = word\n"
            "    return labels",
            "0 for the rest",
        ),
        (
            "def first_only(word_of_token, tags):\n"
            "    seen = dict.fromkeys(word for word in word_of_token if word is not None)\n"
            "    return [tags[word] for word in seen]",
            "one a word",
        ),
        (
            "def first_only(word_of_token, tags):\n"
            "    labels, last = [], None\n"
            "    for word in word_of_token:\n"
            "        label = -100 if word is None else tags[word]\n"
            "        labels.append(-100 if label == last else label)\n"
            "        last = label\n"
            "    return labels",
            "new tags only",
        ),
        (
            "def first_only(word_of_token, tags):\n"
            "    labels, last = [], None\n"
            "    for word in word_of_token:\n"
            "        labels.append(tags[word] if word not in (None, last) else -100)\n"
            "        last = word\n"
            "    return labels[1:] + [-100]",
            "the label of the next token",
        ),
    ],
    "last_only": [
        (
            "def last_only(word_of_token, tags):\n"
            "    return [tags[word] if word is not None else -100 for word in word_of_token]",
            "every sub-token",
        ),
        (
            "def last_only(word_of_token, tags):\n"
            "    labels, last = [], None\n"
            "    for word in word_of_token:\n"
            "        labels.append(tags[word] if word not in (None, last) else -100)\n"
            "        last = word\n"
            "    return labels",
            "the first sub-token",
        ),
        (
            "def last_only(word_of_token, tags):\n"
            "    after = [*word_of_token[1:], None]\n"
            "    pairs = zip(word_of_token, after)\n"
            "    return [0 if word in (None, other) else tags[word] for word, other in pairs]",
            "0 for the rest",
        ),
        ("def last_only(word_of_token, tags):\n    return list(tags)", "one a word"),
    ],
    "token_loss": [
        (
            "def token_loss(scores, labels):\n"
            "    log_p = scores.log_softmax(-1)\n"
            "    counted = labels != -100\n"
            "    chosen = log_p.gather(-1, labels.clamp(min=0)[..., None])[..., 0]\n"
            "    return -(chosen * counted).mean()",
            "a mean over all tokens",
        ),
        (
            "def token_loss(scores, labels):\n"
            "    labels = torch.where(labels == -100, 0, labels)\n"
            "    return torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten())",
            "the rest as “other”",
        ),
        (
            "def token_loss(scores, labels):\n"
            "    of_texts = map(torch.nn.functional.cross_entropy, scores, labels)\n"
            "    return torch.stack(list(of_texts)).mean()",
            "a mean of means",
        ),
        (
            "def token_loss(scores, labels):\n"
            "    return torch.nn.functional.cross_entropy(\n"
            '        scores.flatten(0, 1), labels.flatten(), reduction="sum"\n'
            "    )",
            "a sum",
        ),
        (
            "def token_loss(scores, labels):\n"
            "    counted = labels > 0\n"
            "    return torch.nn.functional.cross_entropy(scores[counted], labels[counted])",
            "slots alone",
        ),
        (
            "def token_loss(scores, labels):\n"
            "    counted = labels != -100\n"
            "    p = scores.softmax(-1)[counted]\n"
            "    return torch.nn.functional.cross_entropy(p, labels[counted])",
            "softmax twice",
        ),
    ],
    "counts": [
        (
            "def counts(predicted, tags):\n"
            "    right = sum(p == t for p, t in zip(predicted, tags))\n"
            "    return right, len(predicted), len(tags)",
            "“other” counts too",
        ),
        (
            "def counts(predicted, tags):\n"
            "    right = sum(p == t for p, t in zip(predicted, tags))\n"
            "    return right, sum(p > 0 for p in predicted), sum(t > 0 for t in tags)",
            "“other” is right too",
        ),
        (
            "def counts(predicted, tags):\n"
            "    right = sum(p > 0 and t > 0 for p, t in zip(predicted, tags))\n"
            "    return right, sum(p > 0 for p in predicted), sum(t > 0 for t in tags)",
            "any tag will do",
        ),
        (
            "def counts(predicted, tags):\n"
            "    right = sum(p == t and t > 0 for p, t in zip(predicted, tags))\n"
            "    return right, sum(t > 0 for t in tags), sum(p > 0 for p in predicted)",
            "the last two exchanged",
        ),
    ],
    "layers_anew": [
        ("def layers_anew(layers, count):\n    return len(layers)", "those with a prefix"),
        (
            "def layers_anew(layers, count):\n    return len(range(min(layers) + 1, count))",
            "the lowest spared",
        ),
        ("def layers_anew(layers, count):\n    return count", "all layers"),
        (
            "def layers_anew(layers, count):\n    return len(range(min(layers)))",
            "those that may be kept",
        ),
        ("def layers_anew(layers, count):\n    return count - layers[-1]", "from the highest"),
    ],
    "only_one_right": [
        ("def only_one_right(ours, theirs):\n    return sum(ours), sum(theirs)", "all right ones"),
        (
            "def only_one_right(ours, theirs):\n"
            "    pairs = list(zip(ours, theirs))\n"
            "    return pairs.count((False, True)), pairs.count((True, False))",
            "exchanged",
        ),
        (
            "def only_one_right(ours, theirs):\n"
            "    pairs = list(zip(ours, theirs))\n"
            "    return pairs.count((True, True)), pairs.count((False, False))",
            "where they agree",
        ),
        ("def only_one_right(ours, theirs):\n    return sum(ours) - sum(theirs)", "the difference"),
    ],
}

"""Wrong answers to the exercises of lesson 02, as learners write them, and what they must hear."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "prompt": [
        (
            """
def prompt(demonstrations, words, query):
    text = ""
    for x, y in demonstrations:
        text += "Review: " + x + "\\nSentiment: " + words[y] + "\\n\\n"
    return text + "Review: " + query + "\\nSentiment: "
""",
            "a space at the end",
        ),
        (
            """
def prompt(demonstrations, words, query):
    text = ""
    for x, y in demonstrations:
        text += f"Review: {x}\\nSentiment: {y}\\n\\n"
    return text + f"Review: {query}\\nSentiment:"
""",
            "numbers for labels",
        ),
        (
            """
def prompt(demonstrations, words, query):
    text = f"Review: {query}\\nSentiment:"
    for x, y in demonstrations:
        text = text + f"\\n\\nReview: {x}\\nSentiment: {words[y]}"
    return text
""",
            "query first",
        ),
        (
            """
def prompt(demonstrations, words, query):
    lines = []
    for x, y in demonstrations:
        lines.append("Review: " + x)
        lines.append("Sentiment: " + words[y])
    lines.append("Review: " + query)
    lines.append("Sentiment:")
    return "\\n".join(lines)
""",
            "one line break",
        ),
        (
            """
def prompt(demonstrations, words, query):
    text = ""
    for x, _ in demonstrations:
        text += f"Review: {x}\\nSentiment:\\n\\n"
    return text + f"Review: {query}\\nSentiment:"
""",
            "texts without labels",
        ),
    ],
    "tokens_read": [
        (
            """
def tokens_read(demonstrations, query, queries):
    total = 0
    for _ in range(queries):
        total += demonstrations + query
    return total
""",
            "read again for every query",
        ),
        (
            """
def tokens_read(demonstrations, query, queries):
    return sum(query for _ in range(queries))
""",
            "demonstrations for free",
        ),
        (
            """
def tokens_read(demonstrations, query, queries):
    return sum([demonstrations, query, queries])
""",
            "queries added up wrongly",
        ),
        (
            """
def tokens_read(demonstrations, query, queries):
    total = demonstrations
    total += query
    return total
""",
            "one query only",
        ),
    ],
    "attend": [
        (
            """
def attend(queries, past, text):
    keys = torch.vstack([past[0], text[0]])
    values = torch.vstack([past[1], text[1]])
    scores = queries @ keys.T / queries.shape[-1] ** 0.5
    mask = torch.tril(torch.ones(len(queries), len(keys)))
    scores[mask == 0] = float("-inf")
    return torch.softmax(scores, dim=-1) @ values
""",
            "the past half hidden",
        ),
        (
            """
def attend(queries, past, text):
    keys = torch.vstack([past[0], text[0]])
    values = torch.vstack([past[1], text[1]])
    return torch.softmax(queries @ keys.T / queries.shape[-1] ** 0.5, dim=-1) @ values
""",
            "the future seen",
        ),
        (
            """
def attend(queries, past, text):
    keys = torch.vstack([past[0], text[0]])
    values = torch.vstack([past[1], text[1]])
    scores = queries @ keys.T
    for i in range(len(queries)):
        scores[i, len(past[0]) + i + 1:] = float("-inf")
    return torch.softmax(scores, dim=-1) @ values
""",
            "not scaled",
        ),
        (
            """
def attend(queries, past, text):
    keys = torch.vstack([text[0], past[0]])
    values = torch.vstack([text[1], past[1]])
    scores = queries @ keys.T / queries.shape[-1] ** 0.5
    for i in range(len(queries)):
        scores[i, len(past[0]) + i + 1:] = float("-inf")
    return torch.softmax(scores, dim=-1) @ values
""",
            "past on the right",
        ),
        (
            """
def attend(queries, past, text):
    keys, values = text
    return torch.nn.functional.scaled_dot_product_attention(
        queries[None], keys[None], values[None], is_causal=True
    )[0]
""",
            "past left out",
        ),
    ],
    "how_many_fit": [
        (
            """
def how_many_fit(positions, lengths, query):
    used = query
    for count, length in enumerate(lengths):
        used += length
        if used > positions:
            return count
    return len(lengths)
""",
            "no room for the answer",
        ),
        (
            """
def how_many_fit(positions, lengths, query):
    used = 0
    for count, length in enumerate(lengths):
        used += length
        if used > positions:
            return count
    return len(lengths)
""",
            "no room for the query",
        ),
        (
            """
def how_many_fit(positions, lengths, query):
    left, shown = positions - query - 1, []
    for length in lengths:
        if length <= left:
            shown.append(length)
            left -= length
    return len(shown)
""",
            "a long one skipped",
        ),
        (
            """
def how_many_fit(positions, lengths, query):
    return min(len(lengths), (positions - query - 1) // max(lengths))
""",
            "by the longest",
        ),
        (
            """
def how_many_fit(positions, lengths, query):
    left = positions - query - 1
    for count, length in enumerate(lengths, 1):
        left -= length
        if left < 0:
            return count
    return len(lengths)
""",
            "one too many",
        ),
    ],
    "order_to_report": [
        (
            """
def order_to_report(validation, test):
    return max(sum(values) / len(values) for values in test.values())
""",
            "the best on the test",
        ),
        (
            """
def order_to_report(validation, test):
    return max(sum(values) / len(values) for values in validation.values())
""",
            "validation accuracy",
        ),
        (
            """
def order_to_report(validation, test):
    chosen = max(validation, key=lambda order: max(validation[order]))
    return sum(test[chosen]) / len(test[chosen])
""",
            "the luckiest seed",
        ),
        (
            """
def order_to_report(validation, test):
    chosen = max(validation, key=lambda order: sum(validation[order]))
    return max(test[chosen])
""",
            "the best seed of the test",
        ),
        (
            """
def order_to_report(validation, test):
    return max(validation, key=lambda order: sum(validation[order]))
""",
            "which, not how good",
        ),
    ],
}

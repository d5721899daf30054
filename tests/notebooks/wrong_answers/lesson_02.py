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
    "calibrated": [
        (
            """
def calibrated(p, content_free):
    return p * (1 / content_free.mean(dim=0))
""",
            "not normalised",
        ),
        (
            """
def calibrated(p, content_free):
    lean = content_free.sum(0) / len(content_free)
    return p - lean[None, :]
""",
            "subtracted",
        ),
        (
            """
def calibrated(p, content_free):
    q = torch.einsum("na,a->na", p, content_free.mean(0))
    return torch.nn.functional.normalize(q, p=1, dim=1)
""",
            "multiplied",
        ),
        (
            """
def calibrated(p, content_free):
    q = p / content_free[0]
    return q / q.sum(1)[:, None]
""",
            "the first empty input only",
        ),
        (
            """
def calibrated(p, content_free):
    q = p / content_free.mean(0)
    return q / q.sum(0)
""",
            "normalised over the texts",
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
}

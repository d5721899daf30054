"""Wrong answers to lesson 03, as a learner would write them: exercise -> (source, mistake)."""

from wrong_loops import WRONG_LOOPS

WRONG: dict[str, list[tuple[str, str]]] = {
    "bytes_to_store": [
        (
            "bytes_to_store = lambda prompt_length, hidden: prompt_length * hidden",
            "numbers, not bytes",
        ),
        (
            "def bytes_to_store(prompt_length, hidden):\n    return prompt_length * hidden * 4 * 8",
            "bits",
        ),
        (
            "def bytes_to_store(prompt_length, hidden):\n    return 4 * prompt_length",
            "length only",
        ),
    ],
    "label_rows": [
        (
            "def label_rows(embedding, answers):\n"
            "    first = [ids[0] for ids in answers]\n"
            "    return embedding[first]",
            "first token only",
        ),
        (
            "def label_rows(embedding, answers):\n"
            "    rows = torch.zeros(len(answers), embedding.shape[1])\n"
            "    for i, ids in enumerate(answers):\n"
            "        for token in ids:\n"
            "            rows[i] += embedding[token]\n"
            "    return rows",
            "sum",
        ),
        (
            "def label_rows(embedding, answers):\n"
            "    everything = sum(answers, [])\n"
            "    return torch.mean(embedding[everything], dim=0)",
            "one row for all",
        ),
        (
            "def label_rows(embedding, answers):\n"
            "    return [torch.mean(embedding[ids], dim=-1) for ids in answers]",
            "mean over the wrong axis",
        ),
    ],
    "nearest_token": [
        (
            "def nearest_token(embedding, vector):\n"
            "    return int(torch.argmax(torch.mv(embedding, vector)))",
            "dot product",
        ),
        (
            "def nearest_token(embedding, vector):\n"
            "    return int(((embedding - vector) ** 2).sum(1).argmin())",
            "euclidean distance",
        ),
        (
            "def nearest_token(embedding, vector):\n"
            "    cosine = embedding @ vector / (embedding.norm(dim=1) * vector.norm())\n"
            "    return int(cosine.argsort()[0])",
            "smallest cosine",
        ),
    ],
    "put_in_front": [
        (
            """
def put_in_front(prompt, embedded):
    repeated = torch.stack([prompt] * embedded.shape[0])
    return torch.cat((embedded, repeated), 1)
""",
            "at the end",
        ),
        (
            """
def put_in_front(prompt, embedded):
    m = len(prompt)
    rows = [torch.cat([prompt, text[m:]]) for text in embedded]
    return torch.stack(rows)
""",
            "instead of the first tokens",
        ),
        (
            """
def put_in_front(prompt, embedded):
    changed = embedded.clone()
    changed[:, : len(prompt)] += prompt
    return changed
""",
            "added",
        ),
        (
            """
def put_in_front(prompt, embedded):
    return torch.cat([prompt, embedded[0]])[None]
""",
            "the first text only",
        ),
    ],
    "training_loop": WRONG_LOOPS,
}

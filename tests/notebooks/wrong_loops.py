"""Wrong training loops, as a learner would write them in lessons 03, 04 and 10, and in 07."""

from collections.abc import Mapping

RIGHT = """
def train_by_hand(answer_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    labels = torch.tensor([label for _, label in examples])
    losses = []
    for _ in range(steps):
        scores = torch.stack([answer_scores(prompt, text) for text, _ in examples])
        loss = torch.nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""
# What stands in the right loop, and what a learner writes in its place.
MISTAKES = {
    "no zero_grad": ("        optimizer.zero_grad()\n", ""),
    "step before backward": (
        """
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
        """
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
""",
    ),
    "gradient ascent": ("loss.backward()", "(-loss).backward()"),
    "plain gradient descent": ("AdamW", "SGD"),
    "Adam": ("AdamW", "Adam"),
}
# The same in a loop over texts, as lesson 07 has it.
RIGHT_ON_TEXTS = """
def train_to_write(token_scores, prefix, examples, steps, rate):
    optimizer, losses = torch.optim.AdamW([prefix], lr=rate), []
    for _ in range(steps):
        rows, tokens = [], []
        for x, y in examples:
            ids = torch.tensor(x + y)
            rows.append(token_scores(prefix, ids)[len(x) - 1:-1])
            tokens.append(ids[len(x):])
        loss = torch.nn.functional.cross_entropy(torch.cat(rows), torch.cat(tokens))
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        losses.append(loss.item())
    return losses
"""
MISTAKES_ON_TEXTS = {
    "loss on all positions": (
        """[len(x) - 1:-1])
            tokens.append(ids[len(x):])""",
        """[:-1])
            tokens.append(ids[1:])""",
    ),
    "its own position": ("[len(x) - 1:-1]", "[len(x):]"),
    "one token too few": (
        """[len(x) - 1:-1])
            tokens.append(ids[len(x):])""",
        """[len(x):-1])
            tokens.append(ids[len(x) + 1:])""",
    ),
    "the mean of each text first": (
        "loss = torch.nn.functional.cross_entropy(torch.cat(rows), torch.cat(tokens))",
        """of_texts = [torch.nn.functional.cross_entropy(*text) for text in zip(rows, tokens)]
        loss = sum(of_texts) / len(of_texts)""",
    ),
    "no zero_grad": ("optimizer.zero_grad(); ", ""),
}


def with_mistakes(right: str, mistakes: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """The loop with each of the mistakes in it, and the name of the mistake."""
    assert all(there in right for there, _ in mistakes.values())
    return [(right.replace(*mistake), name) for name, mistake in mistakes.items()]


WRONG_LOOPS = with_mistakes(RIGHT, MISTAKES)
WRONG_LOOPS_ON_TEXTS = with_mistakes(RIGHT_ON_TEXTS, MISTAKES_ON_TEXTS)

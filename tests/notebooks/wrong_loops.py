"""Wrong training loops, as a learner would write them in lessons 03, 04 and 10."""

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
WRONG_LOOPS = [(RIGHT.replace(*mistake), name) for name, mistake in MISTAKES.items()]

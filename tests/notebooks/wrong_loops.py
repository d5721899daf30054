"""Wrong training loops, as a learner would write them in lessons 03, 04 and 10."""

WRONG_LOOPS = [
    (
        """
def train_by_hand(answer_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    labels = torch.tensor([label for _, label in examples])
    losses = []
    for _ in range(steps):
        scores = torch.stack([answer_scores(prompt, text) for text, _ in examples])
        loss = torch.nn.functional.cross_entropy(scores, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
        "no zero_grad",
    ),
    (
        """
def train_by_hand(answer_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    labels = torch.tensor([label for _, label in examples])
    losses = []
    for _ in range(steps):
        scores = torch.stack([answer_scores(prompt, text) for text, _ in examples])
        loss = torch.nn.functional.cross_entropy(scores, labels)
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
    return losses
""",
        "step before backward",
    ),
    (
        """
def train_by_hand(answer_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    labels = torch.tensor([label for _, label in examples])
    losses = []
    for _ in range(steps):
        scores = torch.stack([answer_scores(prompt, text) for text, _ in examples])
        loss = torch.nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        (-loss).backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
        "gradient ascent",
    ),
    (
        """
def train_by_hand(answer_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.SGD([prompt], lr=rate)
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
""",
        "plain gradient descent",
    ),
    (
        """
def train_by_hand(answer_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.Adam([prompt], lr=rate)
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
""",
        "Adam",
    ),
]

"""What lesson 04 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, NO_WORSE, Claim
from prefixlab.workbook.claimed.groups import LI, beside, prefix, prompt, weights, words

CLAIMS = (
    Claim("A prefix is better than the words alone", prefix() - words()),
    Claim(
        "A start from the task's words is better than one from noise",
        prefix("task_words") - prefix("uniform"),
        source=f"{LI}, section 7.4",
        published="100 examples; a figure only",
    ),
    Claim(
        "Even unrelated words are a better start than noise",
        prefix("unrelated_words") - prefix("uniform"),
        source=f"{LI}, section 7.4",
        published="100 examples; a figure only",
    ),
    Claim(
        "The task's words are no worse a start than unrelated ones",
        prefix("task_words") - prefix("unrelated_words"),
        relation=NO_WORSE,
        source=f"{LI}, section 7.4",
        published="100 examples; a figure only",
    ),
    Claim(
        "Real examples are no worse a start than the task's words",
        prefix("examples") - prefix("task_words"),
        relation=NO_WORSE,
    ),
    Claim(
        "Real words are a better start than noise of the same scale",
        prefix("task_words") - prefix("matched"),
    ),
    Claim(
        "Noise of the scale of words is a better start than uniform noise",
        prefix("matched") - prefix("uniform"),
    ),
    Claim("A prefix from uniform noise is better than no prefix", prefix("uniform") - words()),
    Claim(
        "Up to a threshold, the longer the better: 10 positions against 1",
        prefix() - prefix(prefix_length=1),
        source=f"{LI}, section 7.1",
        published="best at 10 on DART and at 200 on XSUM; a figure only",
    ),
    Claim(
        "Beyond that threshold, the longer the worse: 50 positions against 10",
        prefix() - prefix(prefix_length=50),
        source=f"{LI}, section 7.1",
        published="slightly worse on test, lower training loss; a figure only",
    ),
    Claim(
        "From noise, one position is better than 50",
        prefix("uniform", prefix_length=1) - prefix("uniform", prefix_length=50),
    ),
    Claim(
        "Steering every layer is better than embeddings alone, both from words of the task",
        prefix("task_words") - prompt("text"),
        source=f"{LI}, section 7.2",
        published="E2E BLEU, v1: 69.7 against 62.2 with 10 embeddings",
    ),
    Claim(
        "To train the prefix directly is worse than through an MLP",
        prefix("task_words, MLP") - prefix("task_words"),
        source=f"{LI}, section 4.3",
        published="unstable, and a slight drop; no figure",
    ),
    Claim(
        "From noise, too, an MLP is better than direct training",
        prefix("matched, MLP") - prefix("matched"),
    ),
    Claim(
        "With the MLP the learning rate matters less: three times the best rate or a third "
        "of it cost more without",
        (prefix() - beside(prefix()))
        - (prefix("task_words, MLP") - beside(prefix("task_words, MLP"))),
        source=f"{LI}, section 4.3",
        published="direct training is unstable; no figure",
    ),
    Claim(
        "With 32 sentences a prefix is better than training all weights",
        prefix(train=32) - weights(train=32),
        ACCURACY,
        source=f"{LI}, section 6.3",
        published="50 to 500 tables: 2.9 BLEU ahead on average",
    ),
    Claim(
        "The fewer the sentences, the further a prefix is ahead of all weights: 32 against 512",
        (prefix(train=32) - weights(train=32)) - (prefix(train=512) - weights(train=512)),
        ACCURACY,
        source=f"{LI}, section 6.3",
        published="the gap narrows with size; a figure only",
    ),
    Claim(
        "With all the data the start makes no difference",
        source=f"{LI}, section 7.4",
        published="no figure",
    ),
    Claim(
        "From noise, a prefix is ahead of fine-tuning only above a fifth of the data",
        source=f"{LI}, ACL, section 7.5",
        published="E2E: above 20 %",
    ),
)

"""What lesson 03 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, EQUAL, NO_WORSE, Claim
from prefixlab.workbook.claimed.groups import LESTER, prompt, small, thousand, weights, words

CLAIMS = (
    Claim("A trained prompt is better than the words alone", prompt() - words()),
    Claim(
        "Going beyond one token is crucial: ten are better than one",
        prompt() - prompt(prompt_length=1),
        source=f"{LESTER}, section 3.2",
        published="crucial for all but the largest model; a figure only",
    ),
    Claim(
        "Beyond 20 tokens there is little to gain: 20 are no worse than 50",
        prompt(prompt_length=20) - prompt(prompt_length=50),
        relation=NO_WORSE,
        source=f"{LESTER}, section 3.2",
        published="marginal gains above 20; a figure only",
    ),
    Claim(
        "A start from the labels is better than one from uniform noise",
        prompt("labels") - prompt("uniform"),
        source=f"{LESTER}, section 3.2",
        published="noise lags behind, and is equal at 11B; a figure only",
    ),
    Claim(
        "A start from the labels is better than one from common words",
        prompt("labels") - prompt("vocabulary"),
        source=f"{LESTER}, section 3.2",
        published="the labels are best, and equal at 11B; a figure only",
    ),
    Claim(
        "With ten tokens, the labels and a text are equally good to start from",
        prompt("labels") - prompt("text"),
        relation=EQUAL,
    ),
    Claim(
        "The start matters more to one token than to ten",
        (prompt("labels", prompt_length=1) - prompt("uniform", prompt_length=1))
        - (prompt("labels") - prompt("uniform")),
    ),
    Claim(
        "The more sentences to learn from, the better: 512 against 32",
        prompt(train=512) - prompt(train=32),
    ),
    Claim(
        "To a small model a prompt does less than training all weights",
        thousand(weights()) - thousand(prompt()),
        ACCURACY,
        source=f"{LESTER}, section 3.1",
        published="the gap closes near 10B; a figure only",
    ),
    Claim(
        "The larger the model, the smaller the gap between a prompt and all weights: width "
        "192 against 24, trained here",
        (small(24, "all weights") - small(24, "prompt"))
        - (small(192, "all weights") - small(192, "prompt")),
        ACCURACY,
        source=f"{LESTER}, section 3.1",
        published="T5 of 77M to 11B; a figure only",
    ),
    Claim(
        "In a model of 11B neither length nor start matters",
        source=f"{LESTER}, section 3.2",
        published="a figure only",
    ),
)

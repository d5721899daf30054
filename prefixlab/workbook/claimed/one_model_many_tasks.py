"""What lesson 09 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, NO_WORSE, Claim
from prefixlab.workbook.claimed.groups import (
    LESTER,
    LI,
    elsewhere,
    ensemble,
    prefix,
    prompt,
    thousand,
    weights,
)
from prefixlab.workbook.evidence import MEAN, Runs, best_of

CLAIMS = (
    Claim(
        "On other domains a prompt is better than training all weights",
        elsewhere(prompt()) - elsewhere(weights()),
        ACCURACY,
        source=f"{LESTER}, section 5",
        published="SQuAD to TextbookQA, F1: 66.8 against 54.3; BioASQ 79.1 against 77.9",
    ),
    Claim(
        "On other domains a prefix is better than training all weights",
        elsewhere(prefix()) - elsewhere(weights()),
        ACCURACY,
        source=f"{LI}, v1, section 6.4",
        published="news to sports, ROUGE-L: 31.51 against 30.26",
    ),
    Claim(
        "On other domains the top two layers are worse than training all weights",
        elsewhere(weights()) - elsewhere(Runs("top two layers")),
        ACCURACY,
    ),
    Claim(
        "On other domains a prompt that learned from films is right more often than the words "
        "alone",
        elsewhere(prompt()) - elsewhere(Runs("no training")),
        ACCURACY,
    ),
    Claim(
        "On other domains a prompt that learned from films has a lower loss than the words alone",
        elsewhere(prompt()) - elsewhere(Runs("no training")),
    ),
    Claim(
        "What a prompt gains over the words is less on other domains than on films",
        (prompt() - Runs("no training")) - (elsewhere(prompt()) - elsewhere(Runs("no training"))),
        ACCURACY,
    ),
    Claim(
        "On some domains a prompt is worse than training all weights",
        source=f"{LESTER}, section 5",
        published="DuoRC 67.7 against 68.9; DROP 67.1 against 68.9",
    ),
    Claim(
        "A prompt for QQP is better on MRPC than training all weights",
        source=f"{LESTER}, section 5",
        published="accuracy 76.3 against 73.1; the other way round 75.4 against 74.9",
    ),
    Claim(
        "The vote of five prompts is better than their average",
        ensemble(thousand(prompt())) - thousand(prompt()),
        ACCURACY,
        source=f"{LESTER}, section 6",
        published="SuperGLUE: 91.3 against 90.5",
    ),
    Claim(
        "The vote of five prompts is no worse than the best of them",
        ensemble(thousand(prompt())) - best_of(thousand(prompt())),
        ACCURACY,
        NO_WORSE,
        source=f"{LESTER}, section 6",
        published="SuperGLUE: 91.3 against 91.0",
    ),
    Claim(
        "On other domains, too, the vote of five prompts is better than their average",
        elsewhere(ensemble(prompt())) - elsewhere(prompt()),
        ACCURACY,
    ),
    Claim(
        "The mean probability of five prompts is better than their average",
        ensemble(thousand(prompt()), MEAN) - thousand(prompt()),
        ACCURACY,
    ),
    Claim(
        "On other domains, too, the mean probability is better than the average",
        elsewhere(ensemble(prompt(), MEAN)) - elsewhere(prompt()),
        ACCURACY,
    ),
)

"""What lesson 01 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, Claim
from prefixlab.workbook.claimed.groups import FOUR_WORDS, LIU, ZHAO, calibrated, words
from prefixlab.workbook.evidence import mean_of

CLAIMS = (
    Claim(
        "The wording decides: “Review: … Sentiment:” is better than “… It was”",
        words("sentiment") - words("it was"),
        ACCURACY,
        source=f"{LIU}, table 1",
        published="LAMA P17, BERT-base, four wordings: 31.29, 19.78, 31.40, 51.08",
    ),
    Claim(
        "Calibration makes “… It was” better",
        calibrated(words("it was")) - words("it was"),
        ACCURACY,
        source=f"{ZHAO}, section 5",
        published="SST-2, GPT-2 XL, no examples: 60.0 → 82.0",
    ),
    Claim(
        "Calibration can hurt: it makes “Review: … Sentiment:” worse",
        words("sentiment") - calibrated(words("sentiment")),
        ACCURACY,
        source=f"{ZHAO}, section 5",
        published="CB, GPT-2 XL, no examples: 44.6 → 17.9",
    ),
    Claim(
        "Calibration makes four wordings better on average",
        mean_of(*map(calibrated, FOUR_WORDS)) - mean_of(*FOUR_WORDS),
        ACCURACY,
    ),
    Claim(
        "Words that were searched for are better than words that a person wrote",
        source="Shin et al. 2020, AutoPrompt, section 3",
        published="SST-2, BERT: 63.2 → 82.3",
    ),
)

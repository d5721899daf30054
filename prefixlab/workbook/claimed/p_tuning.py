"""What lesson 05 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, Claim
from prefixlab.workbook.claimed.groups import FOUR, FOUR_WORDS, LIU, calibrated, prompt, slots
from prefixlab.workbook.evidence import mean_of, spread_of

CLAIMS = (
    Claim(
        "Slots with an LSTM are better than words alone, in the mean of four wordings",
        mean_of(*FOUR["lstm"]) - mean_of(*FOUR_WORDS),
        ACCURACY,
        source=f"{LIU}, section 4.1",
        published="LAMA-34k: 43.3 (AutoPrompt, BERT-base) → 50.6 (P-tuning, BERT-large)",
    ),
    Claim(
        "Slots with an LSTM are better than words alone that are calibrated, in the mean of "
        "four wordings",
        mean_of(*FOUR["lstm"]) - mean_of(*map(calibrated, FOUR_WORDS)),
        ACCURACY,
    ),
    Claim(
        "Slots bring the wordings closer together: best and worst lie further apart without",
        spread_of(*FOUR_WORDS) - spread_of(*FOUR["lstm"]),
        ACCURACY,
        source=f"{LIU}, abstract of 2023",
        published="no figure",
    ),
    Claim(
        "Calibration, without any training, brings the wordings closer together than slots do",
        spread_of(*FOUR["lstm"]) - spread_of(*map(calibrated, FOUR_WORDS)),
        ACCURACY,
    ),
    Claim(
        "An LSTM as encoder is better than none",
        mean_of(*FOUR["lstm"]) - mean_of(*FOUR["none"]),
        source=f"{LIU}, section 3.2",
        published="no figure",
    ),
    Claim(
        "An MLP as encoder is better than none",
        mean_of(*FOUR["mlp"]) - mean_of(*FOUR["none"]),
        source=f"{LIU}, section 3.2",
        published="no figure",
    ),
    Claim(
        "Six slots between the words are better than six tokens in front of them",
        slots("none") - prompt(prompt_length=6),
    ),
)

"""What lesson 02 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, NO_WORSE, Claim
from prefixlab.workbook.claimed.groups import LESTER, ZHAO, calibrated, prompt, shown, words
from prefixlab.workbook.evidence import mean_of, spread_of

CLAIMS = (
    Claim(
        "Four demonstrations are better than none, in the mean of all patterns of labels",
        mean_of(*shown()) - words(),
        ACCURACY,
        source="Brown et al. 2020, section 3.7",
        published="SuperGLUE, 125M: 40.6 → 50.2; but BoolQ 49.7 → 43.1",
    ),
    Claim(
        "Two demonstrations are better than none, in the mean of both patterns of labels",
        mean_of(*shown(k=2)) - words(),
        ACCURACY,
    ),
    Claim(
        "With both calibrated, four demonstrations are better than none",
        mean_of(*map(calibrated, shown())) - calibrated(words()),
        ACCURACY,
    ),
    Claim(
        "The order of the same four demonstrations decides: the best is more than ten points "
        "ahead of the worst",
        spread_of(*shown()),
        ACCURACY,
        by=10,
        source=f"{ZHAO}, section 3",
        published="SST-2, GPT-3 2.7B: 54.3 to 93.4",
    ),
    Claim(
        "Calibration makes four demonstrations better",
        mean_of(*map(calibrated, shown())) - mean_of(*shown()),
        ACCURACY,
        source=f"{ZHAO}, section 5",
        published="SST-2, GPT-2 XL: 64.9 ± 8.4 → 73.8 ± 10.9",
    ),
    Claim(
        "Calibration brings the orders of the same four demonstrations closer together",
        spread_of(*shown()) - spread_of(*map(calibrated, shown())),
        ACCURACY,
    ),
    Claim(
        "Random labels in the demonstrations are no worse than true ones",
        mean_of(*shown("random")) - mean_of(*shown()),
        ACCURACY,
        NO_WORSE,
        source="Min et al. 2022, section 4",
        published="0 to 5 points lost",
    ),
    Claim(
        "A trained prompt is better than four demonstrations",
        prompt() - mean_of(*shown()),
        ACCURACY,
        source=f"{LESTER}, abstract",
        published="no figure",
    ),
    Claim(
        "Labels that change from one demonstration to the next are better than two blocks",
        mean_of(*shown(patterns=("npnp", "pnpn"))) - mean_of(*shown(patterns=("nnpp", "ppnn"))),
        ACCURACY,
    ),
    Claim(
        "Words from outside the answers are worse labels than true ones",
        mean_of(*shown()) - mean_of(*shown("outside")),
        ACCURACY,
    ),
    Claim(
        "With both calibrated, words from outside the answers are worse labels than true ones",
        mean_of(*map(calibrated, shown())) - mean_of(*map(calibrated, shown("outside"))),
        ACCURACY,
    ),
    Claim(
        "Eight demonstrations are better than four",
        mean_of(*shown(k=8)) - mean_of(*shown()),
        ACCURACY,
    ),
    Claim(
        "The larger the model, the better it is with demonstrations",
        source="Brown et al. 2020, section 3.7",
        published="SuperGLUE, 125M to 175B: 50.2 to 73.2; without any, 40.6 to 58.2",
    ),
    Claim(
        "An order that is good for one model is not for another",
        source="Lu et al. 2022, section 2",
        published="GPT-2 XL to Large: 88.7 → 51.6",
    ),
)

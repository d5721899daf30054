"""What lesson 12 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, DIVERGENCE, NO_WORSE, Claim
from prefixlab.workbook.claimed.groups import EYUBOGLU, distilled, prefix, shown, words
from prefixlab.workbook.grids import PATTERNS

CLAIMS = (
    Claim(
        "A cartridge of 16 positions is no worse than the eight demonstrations that it stands "
        "in for",
        distilled() - shown(k=8, patterns=PATTERNS[8][:1])[0],
        ACCURACY,
        NO_WORSE,
        source=f"{EYUBOGLU}, abstract",
        published="as good as the text itself, with 38.6 times less memory",
    ),
    Claim(
        "Training brings it nearer to the model that read them than the first 16 tokens are",
        distilled() - distilled(what="first tokens, no training"),
        DIVERGENCE,
    ),
    Claim(
        "The longer the cartridge, the nearer: 64 positions against 4",
        distilled(64) - distilled(4),
        DIVERGENCE,
        source=f"{EYUBOGLU}, section 5",
        published="a figure only",
    ),
    Claim(
        "A frozen first position is better than training them all",
        distilled() - distilled(what="cartridge, nothing frozen"),
        DIVERGENCE,
    ),
    Claim("A cartridge of eight demonstrations is better than no text", distilled() - words()),
    Claim(
        "A cartridge of eight demonstrations is right more often than no text",
        distilled() - words(),
        ACCURACY,
    ),
    Claim(
        "Labels teach more: a prefix trained on 256 of them is better than a cartridge that "
        "knows eight",
        prefix() - distilled(),
    ),
    Claim(
        "A cartridge learns more from questions that the model asks itself about the text than "
        "from the text's own next tokens",
        source=f"{EYUBOGLU}, abstract",
        published="next tokens alone are “not competitive” with the text itself; no figure",
    ),
    Claim(
        "A short cartridge is cheaper to serve than a long text",
        source=f"{EYUBOGLU}, abstract",
        published="26.4 times higher throughput",
    ),
)

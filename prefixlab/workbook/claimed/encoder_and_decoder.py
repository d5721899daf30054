"""What lesson 08 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, EQUAL, Claim
from prefixlab.workbook.claimed.groups import LESTER, adapted

CLAIMS = (
    Claim(
        "A prompt does more for an LM-adapted T5 than for one of span corruption alone",
        adapted("1200") - adapted("0"),
        ACCURACY,
        source=f"{LESTER}, section 3.2",
        published="a figure only",
    ),
    Claim(
        "A sentinel before the answer makes no difference",
        adapted("0, sentinel") - adapted("0"),
        ACCURACY,
        EQUAL,
        source=f"{LESTER}, section 3.2",
        published="a figure only",
    ),
    Claim(
        "The longer the LM adaptation, the better: 1,200 steps against 100",
        adapted("1200") - adapted("100"),
        ACCURACY,
        source=f"{LESTER}, section 3.2",
        published="up to 100,000 steps; a figure only",
    ),
    Claim(
        "The longer the LM adaptation, the better: 400 steps against 100",
        adapted("400") - adapted("100"),
        ACCURACY,
        source=f"{LESTER}, section 3.2",
        published="a figure only",
    ),
    Claim(
        "All weights need no LM adaptation: trained from span corruption alone they are as "
        "good as after 1,200 steps of it",
        adapted("0, all weights") - adapted("1200, all weights"),
        ACCURACY,
        EQUAL,
        source=f"{LESTER}, section 2.2",
        published="said, without a figure",
    ),
    Claim(
        "Before a T5 of span corruption alone a prefix of the decoder does more than a prompt "
        "of as many numbers",
        adapted("0, decoder prefix") - adapted("0", prompt_length=40),
        ACCURACY,
    ),
    Claim(
        "Of two prefixes of as many numbers, that of the cross-attention does more than that "
        "of the encoder",
        adapted("0, cross prefix") - adapted("0, encoder prefix"),
        ACCURACY,
    ),
    Claim(
        "A prefix of the encoder does no more than a prompt of as many numbers",
        adapted("0, encoder prefix") - adapted("0", prompt_length=40),
        ACCURACY,
        EQUAL,
    ),
    Claim(
        "A prefix of the decoder, too, does more after LM adaptation",
        adapted("1200, decoder prefix") - adapted("0, decoder prefix"),
        ACCURACY,
    ),
    Claim(
        "Prefixes in all three kinds of attention do more than one in the decoder alone",
        adapted("0, three prefixes") - adapted("0, decoder prefix"),
        ACCURACY,
    ),
)

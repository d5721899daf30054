"""What lesson 06 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, EQUAL, NO_WORSE, Claim
from prefixlab.workbook.claimed.groups import LIU_V2, deep, weights
from prefixlab.workbook.evidence import Runs

CLAIMS = (
    Claim(
        "Deeper layers do more: a prefix in the last ten is better than in the first ten",
        deep(layers="last:10") - deep(layers="first:10"),
        source=f"{LIU_V2}, section 4.4",
        published="a figure only",
    ),
    Claim(
        "A prefix in the last four layers is better than in the first four",
        deep(layers="last:4") - deep(layers="first:4"),
        source=f"{LIU_V2}, section 4.4",
        published="a figure only",
    ),
    Claim(
        "With words for answers, too, the last four layers are better than the first four",
        deep("verbalizer", layers="last:4") - deep("verbalizer", layers="first:4"),
    ),
    Claim(
        "The last ten layers are no worse than all of them",
        deep(layers="last:10") - deep(),
        ACCURACY,
        NO_WORSE,
        source=f"{LIU_V2}, section 4.4",
        published="RTE: layers 17 to 24 of 24 are about as good as all",
    ),
    Claim(
        "A prefix in the last four layers is better than a probe without any",
        deep(layers="last:4") - Runs("linear probe"),
    ),
    Claim(
        "A prefix in the first four layers is better than a probe without any",
        deep(layers="first:4") - Runs("linear probe"),
    ),
    Claim(
        "A prefix in all layers, with a head, is better than a probe without any",
        deep() - Runs("linear probe"),
    ),
    Claim(
        "A prefix in all layers, with dropout and a head, is better than a probe without any",
        deep(dropout=0.1) - Runs("linear probe"),
    ),
    Claim(
        "Twenty positions in all layers, with a head, are better than a probe without any",
        deep(prefix_length=20) - Runs("linear probe"),
    ),
    Claim(
        "A head and words for answers are equally good",
        deep("head") - deep("verbalizer"),
        ACCURACY,
        EQUAL,
        source=f"{LIU_V2}, section 4.4",
        published="no significant difference",
    ),
    Claim(
        "Five positions are enough for a simple task: they are no worse than 50",
        deep(prefix_length=5) - deep(prefix_length=50),
        relation=NO_WORSE,
        source=f"{LIU_V2}, section 3.3",
        published="fewer than 20 for simple tasks, about 100 for hard ones",
    ),
    Claim("Dropout does harm", deep(dropout=0.0) - deep(dropout=0.1)),
    Claim(
        "The longer the prefix, the more harm dropout does: 50 positions against 5",
        (deep(prefix_length=50) - deep(dropout=0.1, prefix_length=50))
        - (deep(prefix_length=5) - deep(dropout=0.1, prefix_length=5)),
    ),
    Claim(
        "P-tuning v2 keeps up with training all weights",
        deep() - weights(),
        ACCURACY,
        NO_WORSE,
        source=f"{LIU_V2}, section 4.2",
        published="330M to 10B, with 0.1 % to 3 % of the parameters",
    ),
    Claim(
        "On films an MLP helps, with a rate of its own beside the head's",
        Runs("P-tuning v2, head, MLP") - deep(),
        source=f"{LIU_V2}, section 3.3",
        published="helps RTE and CoNLL04; no help or harm on BoolQ and CoNLL12",
    ),
    Claim("Tagging needs a head", source=f"{LIU_V2}, section 3.3", published="no figure"),
)

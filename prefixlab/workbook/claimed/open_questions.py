"""What lesson 11 and its sources claim."""

from prefixlab.workbook.claim import Claim
from prefixlab.workbook.claimed.groups import prefix, prompt
from prefixlab.workbook.evidence import Runs

CLAIMS = (
    Claim(
        "A gate that starts at zero makes a prefix better",
        Runs("gated prefix") - prefix(),
        source="Zhang et al. 2024, LLaMA-Adapter, abstract",
        published="no figure",
    ),
    Claim(
        "A length that adapts makes a prefix better",
        Runs("adaptive prefix") - prefix(),
        source="Zhang et al. 2023, APT, abstract",
        published="no figure",
    ),
    Claim(
        "A plain prefix of five positions is better than one of ten that adapts its length",
        prefix(prefix_length=5) - Runs("adaptive prefix"),
    ),
    Claim(
        "A convolution of the input is better than a prompt in front of it",
        Runs("convolution") - prompt(),
        source="a general article on prefix tuning",
        published="nothing was measured",
    ),
    Claim(
        "A prefix and a prompt are together better than a prefix twice as long",
        Runs("prefix and prompt") - prefix(),
        source="He et al. 2022, MAM adapter, abstract",
        published="no figure",
    ),
    Claim(
        "Beside a prefix of five positions a prompt of five is better than none",
        Runs("prefix and prompt") - prefix(prefix_length=5),
    ),
    Claim(
        "A prefix and trained biases are together better than a prefix",
        Runs("prefix and biases") - prefix(),
        source="He et al. 2022, MAM adapter, abstract",
        published="no figure",
    ),
    Claim(
        "A prefix and trained biases are together better than the biases",
        Runs("prefix and biases") - Runs("biases"),
    ),
)

"""What lesson 10 and its sources claim."""

from prefixlab.workbook.claim import ACCURACY, NO_WORSE, Claim
from prefixlab.workbook.claimed.groups import HU, LI, prefix, prompt, thousand, weights, words
from prefixlab.workbook.evidence import Runs

CLAIMS = (
    Claim(
        "A prefix keeps up with training all weights",
        thousand(prefix()) - thousand(weights()),
        ACCURACY,
        NO_WORSE,
        source=f"{LI}, v1, section 6.1",
        published="E2E BLEU, GPT-2 medium: 69.7 against 68.2",
    ),
    Claim("A prefix ends with a lower loss than training all weights", prefix() - weights()),
    Claim(
        "Training the top two layers keeps up with training all",
        thousand(Runs("top two layers")) - thousand(weights()),
        ACCURACY,
        NO_WORSE,
        source=f"{LI}, v1, section 6.1",
        published="E2E BLEU: 68.1 against 68.2; but WebNLG 36.0 against 46.5",
    ),
    Claim(
        "A prefix is better than an infix",
        prefix() - Runs("infix"),
        source=f"{LI}, v1, section 7.3",
        published="E2E BLEU: 69.7 against 67.2 with 10 positions",
    ),
    Claim(
        "A prefix keeps up with adapters of many times its size",
        thousand(prefix()) - thousand(Runs("adapters")),
        ACCURACY,
        NO_WORSE,
        source=f"{LI}, v1, section 6.1",
        published="E2E BLEU: 69.7 against 68.9 with 3 % of the parameters",
    ),
    Claim(
        "LoRA keeps up with training all weights",
        thousand(Runs("LoRA")) - thousand(weights()),
        ACCURACY,
        NO_WORSE,
        source=f"{HU}, abstract",
        published="on par or better on RoBERTa, DeBERTa, GPT-2 and GPT-3",
    ),
    Claim(
        "LoRA is better than a prefix",
        thousand(Runs("LoRA")) - thousand(prefix()),
        ACCURACY,
        source=f"{HU}, section 5.4",
        published="E2E, WebNLG and DART, GPT-2 medium and large",
    ),
    Claim(
        "With 256 sentences training the biases keeps up with training all weights",
        thousand(Runs("biases")) - thousand(weights()),
        ACCURACY,
        NO_WORSE,
        source="Ben Zaken et al. 2022, BitFit, abstract",
        published="BERT, small to medium training data; no figure",
    ),
    Claim("A prefix is better than biases alone", prefix() - Runs("biases")),
    Claim(
        "A prompt keeps up with a prefix, on a task of one word",
        thousand(prompt()) - thousand(prefix()),
        ACCURACY,
        NO_WORSE,
    ),
    Claim(
        "A prompt keeps up with adapters, on a task of one word",
        thousand(prompt()) - thousand(Runs("adapters")),
        ACCURACY,
        NO_WORSE,
    ),
    Claim(
        "A prompt with answer rows of its own (WARP) is better than a prompt",
        Runs("WARP") - prompt(),
    ),
    Claim(
        "A linear probe is better than the words alone",
        Runs("linear probe") - words(),
        ACCURACY,
    ),
    Claim(
        "Steering is better than reading off: a prefix against a linear probe",
        prefix() - Runs("linear probe"),
    ),
)

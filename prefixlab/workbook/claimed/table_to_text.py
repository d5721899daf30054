"""What lesson 07 and its sources claim."""

from prefixlab.workbook.claim import BLEU, NO_WORSE, SLOTS, Claim
from prefixlab.workbook.claimed.groups import FEW, LI, greedy, tables, unseen
from prefixlab.workbook.evidence import Runs, mean_of

CLAIMS = (
    Claim(
        "With few tables a prefix is better than training all weights, in the mean of 50, "
        "100, 200 and 500",
        mean_of(*FEW["prefix, task_words"]) - mean_of(*FEW["all weights"]),
        BLEU,
        source=f"{LI}, section 6.3",
        published="50 to 500 tables: 2.9 BLEU ahead on average",
    ),
    Claim(
        "With 50 tables a prefix is better than training all weights",
        tables("prefix, task_words", train=50) - tables("all weights", train=50),
        BLEU,
        source=f"{LI}, section 6.3",
        published="a figure only",
    ),
    Claim(
        "The fewer the tables, the further a prefix is ahead of all weights: 50 against 500",
        (tables("prefix, task_words", train=50) - tables("all weights", train=50))
        - (tables("prefix, task_words", train=500) - tables("all weights", train=500)),
        BLEU,
        source=f"{LI}, section 6.3",
        published="the gap narrows with size; a figure only",
    ),
    Claim(
        "With 50 tables a prefix is better than training the top two layers",
        tables("prefix, task_words", train=50) - tables("top two layers", train=50),
        BLEU,
    ),
    Claim(
        "A prefix is better than training the top two layers",
        tables("prefix, task_words") - tables("top two layers"),
        BLEU,
        source=f"{LI}, v1, section 6.1",
        published="E2E BLEU: 69.7 against 68.1; WebNLG 55.1 against 36.0",
    ),
    Claim(
        "On tables, too, a prefix is better than the words alone",
        tables("prefix, task_words") - tables("no training"),
        BLEU,
    ),
    Claim(
        "The more tables, the better a prefix: 500 against 50",
        tables("prefix, task_words", train=500) - tables("prefix, task_words", train=50),
        BLEU,
    ),
    Claim(
        "On kinds of places that it has not seen a prefix is better than training all weights",
        unseen(tables("prefix, task_words")) - unseen(tables("all weights")),
        BLEU,
        source=f"{LI}, v1, section 6.4",
        published="WebNLG BLEU, unseen: 45.6 against 27.7; seen: 62.9 against 64.2",
    ),
    Claim(
        "From kinds of places that it has seen to others a prefix loses less than all weights",
        (unseen(tables("prefix, task_words")) - tables("prefix, task_words"))
        - (unseen(tables("all weights")) - tables("all weights")),
        SLOTS,
    ),
    Claim(
        "With 100 tables a start from the task's words is better than one from noise",
        tables("prefix, task_words", train=100) - tables("prefix, uniform", train=100),
        BLEU,
        source=f"{LI}, section 7.4",
        published="100 examples; a figure only",
    ),
    Claim(
        "With 100 tables unrelated words are a better start than noise",
        tables("prefix, unrelated_words", train=100) - tables("prefix, uniform", train=100),
        BLEU,
        source=f"{LI}, section 7.4",
        published="100 examples; a figure only",
    ),
    Claim(
        "With 100 tables the task's words are no worse a start than unrelated ones",
        tables("prefix, task_words", train=100) - tables("prefix, unrelated_words", train=100),
        BLEU,
        NO_WORSE,
        source=f"{LI}, section 7.4",
        published="100 examples; a figure only",
    ),
    Claim(
        "Ten positions are better than one",
        tables("prefix, task_words") - tables("prefix, task_words", prefix_length=1),
        BLEU,
        source=f"{LI}, section 7.1",
        published="best at 10 on DART; a figure only",
    ),
    Claim(
        "Ten positions are better than fifty",
        tables("prefix, task_words") - tables("prefix, task_words", prefix_length=50),
        BLEU,
        source=f"{LI}, section 7.1",
        published="beyond the best, slightly worse on test; a figure only",
    ),
    Claim(
        "A prefix writes better texts with beam search than greedily",
        tables("prefix, task_words") - greedy(tables("prefix, task_words")),
        BLEU,
    ),
    Claim(
        "A prefix says the table better with beam search than greedily",
        tables("prefix, task_words") - greedy(tables("prefix, task_words")),
        SLOTS,
    ),
    Claim(
        "On 200 real tables of E2E a prefix is better than training all weights",
        Runs("E2E, prefix") - Runs("E2E, all weights"),
        BLEU,
        source=f"{LI}, v1, section 6.1",
        published="BLEU, all 42,000 pairs, GPT-2 medium: 69.7 against 68.2",
    ),
    Claim(
        "With all of DART a prefix keeps up with training all weights",
        source=f"{LI}, section 6.1",
        published="BLEU, GPT-2 medium: 46.4 against 46.2",
    ),
    Claim(
        "On summaries a prefix falls behind training all weights",
        source=f"{LI}, section 6.2",
        published="XSUM ROUGE-1/2/L: 43.80/20.93/36.05 against 45.14/22.27/37.25",
    ),
    Claim(
        "A prefix is better on news about sports when it learned from other news",
        source=f"{LI}, section 6.4",
        published="ROUGE-1/2/L: 39.23/16.74/31.51 against 38.15/15.51/30.26",
    ),
)

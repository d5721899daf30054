"""Metrics of generated text: against sacrebleu and rouge-score one by one, and by hand."""

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from prefixlab import judge_texts
from prefixlab.text_metrics import bleu, rouge_l, slot_error

TEXTS = ["The Tin Otter is a cheap pub.", "There is a Thai diner by the harbour called Cotto."]
REFERENCES = [
    ["The Tin Otter, a pub, is cheap.", "The Tin Otter is a low-cost pub."],
    ["By the harbour there is a Thai diner called Cotto."],
]
E2E = [
    "name[Cotto], eatType[pub], area[riverside], customer rating[high], familyFriendly[no]",
    "name[The Mill], food[Thai], near[Ranch]",
    "name[Mill], eatType[restaurant]",
]


def test_bleu_takes_all_references_of_every_text():
    (first, second), (only,) = REFERENCES
    # Of two equal references the second changes nothing: that is how the gap may be filled.
    theirs = sacrebleu.corpus_bleu(TEXTS, [[first, only], [second, only]]).score
    assert bleu(TEXTS, REFERENCES) == pytest.approx(theirs)
    assert bleu(TEXTS, REFERENCES) > bleu(TEXTS, [[first], [only]])


def test_rouge_is_that_of_the_best_reference():
    scorer = RougeScorer(["rougeL"])

    def score(text, reference):
        return scorer.score(reference, text)["rougeL"].fmeasure

    best = [max(score(text, one) for one in of) for text, of in zip(TEXTS, REFERENCES, strict=True)]
    assert rouge_l(TEXTS, REFERENCES) == pytest.approx(100 * sum(best) / 2)
    assert score(TEXTS[0], REFERENCES[0][0]) < score(TEXTS[0], REFERENCES[0][1])


def test_rouge_takes_words_as_they_are():
    """With a stemmer both would be "walk the dog"; papers that use one say so."""
    assert rouge_l(["walking the dogs"], [["walked the dogs"]]) == pytest.approx(100 * 2 / 3)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("The Tin Otter is a cheap pub. It has no terrace.", 0),
        ("The Tin Otter is a pub with low prices. All the tables are indoors.", 0),
        ("The Tin Otter is a pub. It has no terrace.", 1),  # missing
        ("The Tin Otter is an expensive pub. It has no terrace.", 1),  # wrong
        ("The Tin Otter is a cheap Thai pub. It has no terrace.", 1),  # invented
        ("The Tin Otter is a cheap, pricey pub. It has no terrace.", 1),  # both
        ("The Tin Heron is a pub.", 3),
        ("", 4),
    ],
)
def test_slots_of_restaurants_are_counted_by_hand(text, wrong):
    table = "name[The Tin Otter], venue[pub], price[cheap], terrace[no]"
    assert slot_error([text], [table]) == wrong / 4


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        (("Cotto, a pub by the riverside.", "The Mill has Thai food near Ranch.", "The Mill"), 1),
        (("COTTO: Pub, Riverside", "The Mill (Thai), near Ranch", "Mill"), 0),
        (("Cotto", "The Mill", "Mill, a restaurant"), 4),
        (("Cotto, a pub, riverside, near Ranch", "The Mill: Thai, Ranch, riverside", "Mill"), 2),
        (("Cottontail, a gastropub, riverside", "The Mill, Thai, Ranch", "Mill"), 2),
    ],
)
def test_slots_of_other_tables_are_counted_where_values_are_verbatim(texts, wrong):
    """Rating, family and the word "restaurant" do not count: seven slots are left."""
    assert slot_error(texts, E2E) == wrong / 7


def test_what_is_no_table_has_no_slots():
    result = judge_texts(["Yes."], {"Is it so?": ["Yes.", "No."]})
    assert (result.examples, result.slot_error) == (1, None)
    assert str(result).endswith("(1 examples)")


def test_perfect_texts_are_judged_so():
    table = "name[The Tin Otter], venue[pub], price[cheap]"
    result = judge_texts([TEXTS[0]], {table: [TEXTS[0], "Another text."]})
    assert str(result) == "BLEU 100.0, ROUGE-L 100.0, 0.0% of slots wrong (1 examples)"

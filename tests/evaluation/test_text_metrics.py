"""Metrics of generated text: against sacrebleu and rouge-score one by one, and by hand."""

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from prefixlab import TextEvaluation, judge_texts
from prefixlab.evaluation.text_metrics import bleu, rouge_l, slots, tokenizer_for

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
SCRIPTS = {
    "这家餐厅很好吃。": "zh",
    "我在 The Tin Otter 吃了很多面条。": "zh",
    "この店はとても安いです。": "char",
    "ร้านนี้ราคาถูกมาก": "char",
    "이 식당은 아주 쌉니다.": "intl",
    "Это дешёвый паб у реки.": "intl",
    "هذا المطعم رخيص، وقريب.": "intl",
    "यह रेस्तराँ सस्ता है।": "intl",
    "Nhà hàng này rất rẻ.": "13a",
    "The Tin Otter is a cheap pub in 上海.": "13a",
    "Cheap.": "13a",
    "é": "13a",
    "!?": "char",
    "👍🏽 🎉": "char",
    "12": "char",
}


def judged(texts, tables) -> TextEvaluation:
    return judge_texts(texts, {table: ["Some reference."] for table in tables})


def faults(text, table) -> dict[str, str]:
    return {slot.name: slot.fault for slot in slots([text], [table])[0] if slot.fault}


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


@pytest.mark.parametrize(("text", "tokenizer"), SCRIPTS.items())
def test_identical_texts_are_perfect_in_every_script(text, tokenizer):
    result = judge_texts([text], {"a": [text, "Another text."]})
    assert (result.bleu, result.rouge_l) == (pytest.approx(100), pytest.approx(100))
    assert judge_texts([text], {"a": [text]}).tokenizer == tokenizer == tokenizer_for([text])
    told = str(judge_texts([text], {"a": [text]}))
    assert (f"tokenizer {tokenizer}" in told) == (tokenizer != "13a")


def test_words_of_chinese_are_its_signs():
    """Of seven signs one differs: six runs of one, and BLEU and ROUGE see that much is right."""
    result = judge_texts(["这家餐厅很好吃"], {"a": ["这家餐厅很难吃"]})
    assert result.rouge_l == pytest.approx(100 * 6 / 7)
    theirs = sacrebleu.corpus_bleu(["这家餐厅很好吃"], [["这家餐厅很难吃"]], tokenize="zh").score
    assert result.bleu == pytest.approx(theirs) != 0


def test_the_tokenizer_is_that_of_most_words():
    assert tokenizer_for(["One film, two words: 好", "three"]) == "13a"
    assert tokenizer_for(["电影很好看", "The film"]) == "zh"
    assert tokenizer_for(["Это хороший фильм", "a film"]) == "intl"


def test_a_text_of_nothing_is_all_wrong():
    result = judge_texts(["", "yes"], {"a": ["no"], "b": ["yes"]})
    assert result.rouge_l == pytest.approx(50)
    assert judge_texts([""], {"a": ["no"]}).bleu == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Tin Otter is a cheap pub. It has no terrace.", {}),
        ("The Tin Otter is a pub with low prices. All the tables are indoors.", {}),
        ("The Tin Otter is a pub. It has no terrace.", {"price": "missing"}),
        ("The Tin Otter is an expensive pub. It has no terrace.", {"price": "wrong"}),
        ("The Tin Otter is a cheap Thai pub. It has no terrace.", {"food": "invented"}),
        ("The Tin Otter is a cheap, pricey pub. It has no terrace.", {"price": "wrong"}),
        ("The Tin Otter, a cheap pub and restaurant, has no terrace.", {}),
        ("The Tin Otter is a cheap bistro. It has no terrace.", {"venue": "wrong"}),
        (
            "The Tin Heron is a pub.",
            {"name": "wrong", "price": "missing", "terrace": "missing"},
        ),
        ("", dict.fromkeys(("name", "venue", "price", "terrace"), "missing")),
    ],
)
def test_slots_of_restaurants_are_counted_by_hand(text, expected):
    table = "name[The Tin Otter], venue[pub], price[cheap], terrace[no]"
    assert faults(text, table) == expected
    result = judged([text], [table])
    assert result.slots == 4
    assert result.slot_error == len(expected) / 4
    counted = [list(expected.values()).count(fault) for fault in ("missing", "wrong", "invented")]
    assert [result.missing, result.wrong, result.invented] == counted
    told = f"({counted[0]} missing, {counted[1]} wrong, {counted[2]} invented of 4)"
    assert (told in str(result)) == bool(expected)


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
    assert judged(texts, E2E).slot_error == wrong / 7


@pytest.mark.parametrize("others", [[], E2E, ["name[The Tin Otter], venue[pub]"], ["Is it so?"]])
@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("Cotto is a pub near Ranch.", "name[Cotto], eatType[pub]", {"near": "invented"}),
        ("Cotto serves Thai food.", "name[Cotto], food[Thai]", {}),
        ("Cotto, Chinese.", "name[Cotto], food[Thai]", {"food": "wrong"}),
        ("Cotto by the Raja Indian Cuisine.", "name[Cotto], near[Raja Indian Cuisine]", {}),
        ("Near The Rice Boat is Cotto.", "name[Cotto], near[The Rice Boat]", {}),
        ("The Rice Boat serves.", "name[The Rice Boat], near[Cotto]", {"near": "missing"}),
        (
            "The Tin Otter is a pub.",
            "name[The Tin Otter], venue[restaurant]",
            {"venue": "invented"},
        ),
        ("The Tin Otter, a restaurant.", "name[The Tin Otter], venue[pub]", {"venue": "missing"}),
    ],
)
def test_a_slot_is_judged_by_its_own_table_whatever_else_is(text, table, expected, others):
    both = slots([text, *[""] * len(others)], [table, *others])[0]
    assert {slot.name: slot.fault for slot in both if slot.fault} == expected


def test_what_is_no_table_has_no_slots():
    result = judge_texts(["Yes, a Chinese pub."], {"Is it so?": ["Yes.", "No."]})
    assert (result.examples, result.slots, result.invented, result.slot_error) == (1, 0, 0, None)
    assert str(result).endswith("(1 examples)")
    assert "slots" not in str(result)


def test_perfect_texts_are_judged_so():
    table = "name[The Tin Otter], venue[pub], price[cheap]"
    result = judge_texts([TEXTS[0]], {table: [TEXTS[0], "Another text."]})
    assert str(result) == "BLEU 100.0, ROUGE-L 100.0, 0.0% of slots wrong (1 examples)"

"""Template and Verbalizer: the one template language of all methods.

A template is text with fields in braces:

    {x}        the input text
    {y}        the answer
    {soft:3}   three soft slots: positions whose embeddings are trained, not read from words

so that a discrete prompt is `Review: {x}\\nSentiment: {y}`, prompt tuning puts `{soft:10}` in
front, and P-tuning (Liu et al. 2021, section 3) writes its [P1; X; P2; Y] as
`{soft:3}{x}{soft:3} Sentiment: {y}`. Twice the brace, `{{`, is a brace.

Byte-pair tokenizers keep a space in front of a word inside its token (" positive" is one token,
"positive" after a lone space is another, rarer one). So a space before `{y}` belongs to the answer.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from string import Formatter

from transformers import PreTrainedTokenizerBase

from prefixlab import arguments

MOST_SOFT = 1000  # soft slots of a template in all: each of them is a position of the model


@dataclass(frozen=True)
class Soft:
    """A run of soft slots; `first` is the index of its first virtual token in the template."""

    first: int
    length: int


@dataclass(frozen=True)
class Template:
    """A parsed template.

    Raises
    ------
    ValueError
        What is no text; no `{x}`, no `{y}`, either of them twice, an unknown field, soft slots of
        no length or more than `MOST_SOFT`, or anything trainable or variable after `{y}`, which a
        causal model cannot see.
    """

    text: str

    def __post_init__(self) -> None:
        arguments.text("template", self.text)
        fields = [part for part in self.parts if part in (X, Y)]
        for field in (X, Y):
            if fields.count(field) != 1:
                raise ValueError(
                    f"The template {self.quoted} has {fields.count(field)} times {{{field[1]}}}; "
                    f"write {{{field[1]}}} exactly once."
                )
        after_answer = self.parts[self.parts.index(Y) + 1 :]
        if X in after_answer or any(isinstance(part, Soft) for part in after_answer):
            raise ValueError(
                f"In the template {self.quoted} an {{x}} or {{soft}} stands after {{y}}, where a "
                "causal model cannot use it to predict the answer; move it before {y}."
            )

    @cached_property
    def parts(self) -> tuple["Part", ...]:
        """The template as a sequence of texts, soft slots, `X` and `Y`."""
        parts: list[Part] = []
        soft = 0
        try:
            parsed = list(Formatter().parse(self.text))
        except ValueError as error:
            raise ValueError(
                f"The template {self.quoted} has a brace that does not match ({error}); "
                "write {{ or }} for a brace."
            ) from None
        for literal, field, length, conversion in parsed:
            # Formatter splits at an escaped brace; one piece of text stays one part.
            if literal and parts and isinstance(parts[-1], str):
                parts[-1] += literal
            elif literal:
                parts.append(literal)
            if field is None:
                continue
            written = field + (f"!{conversion}" if conversion else "")
            written += f":{length}" if length else ""
            if written in ("x", "y"):
                parts.append(X if written == "x" else Y)
                continue
            slots = re.fullmatch("soft:0*([1-9][0-9]*)", written)
            if not slots:
                raise ValueError(
                    f"The template {self.quoted} has an unknown field "
                    f"{{{arguments.shortened(written)[1:-1]}}}; "
                    "the fields are {x}, {y} and {soft:N} with N of at least 1."
                )
            # So many digits are too many; Python would refuse to read thousands of them.
            count = int(slots[1][: len(str(MOST_SOFT)) + 1])
            if soft + count > MOST_SOFT:
                raise ValueError(
                    f"The template {self.quoted} has more than {MOST_SOFT} soft slots in all; "
                    "lower N in {soft:N}, each slot takes a position of the model."
                )
            parts.append(Soft(first=soft, length=count))
            soft += count
        return tuple(parts)

    @property
    def quoted(self) -> str:
        """The template as it stands in a sentence about it: on one line, and cut if it is long."""
        return arguments.shortened(self.text, 120)

    @cached_property
    def virtual_tokens(self) -> int:
        """How many soft slots the template has in all."""
        return sum(part.length for part in self.parts if isinstance(part, Soft))

    @cached_property
    def answer_lead(self) -> str:
        """The white space just before `{y}`: it begins the answer."""
        before = self.parts[self.parts.index(Y) - 1]
        return before[len(before.rstrip(" ")) :] if isinstance(before, str) else ""

    def prompt(self, x: str) -> list["str | Soft"]:
        """Everything before the answer, with `x` filled in: what the model is asked."""
        before = list(self.parts[: self.parts.index(Y)])
        if self.answer_lead:
            before[-1] = str(before[-1])[: -len(self.answer_lead)]
        prompt: list[str | Soft] = []
        for part in before:
            piece = x if part == X else part
            if isinstance(piece, tuple):
                continue
            # Neighbouring texts are one text, so that words at a seam are tokenized as usual.
            if isinstance(piece, str) and prompt and isinstance(prompt[-1], str):
                prompt[-1] += piece
            elif piece:
                prompt.append(piece)
        return prompt

    def fill(self, x: str, y: str) -> str:
        """The template as plain text, with answer: one demonstration. Soft slots have no text."""
        texts = (x if part == X else y if part == Y else part for part in self.parts)
        return "".join(text for text in texts if isinstance(text, str))


X, Y = ("field", "x"), ("field", "y")
Part = str | Soft | tuple[str, str]


@dataclass(frozen=True)
class Verbalizer:
    """The words that stand for the labels: `words[label]` answers for class `label`.

    Schick & Schütze (2021, section 3) call the map from labels to words the verbalizer; the set
    of the words is the answer space.

    Raises
    ------
    ValueError
        Fewer than two words, an empty one, one that is no text, or one that stands for two labels.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(arguments.texts("words", self.words)))
        if len(self.words) < 2:
            raise ValueError(f"A verbalizer needs at least two answers, not {list(self.words)}.")
        label_of: dict[str, int] = {}
        for label, word in enumerate(self.words):
            if not word.strip():
                raise ValueError(f"The answer of label {label} is empty; give it a word.")
            if (other := label_of.setdefault(word, label)) != label:
                raise ValueError(
                    f"The answer {arguments.shortened(word)} stands for label {other} and for "
                    f"label {label}; give each label a word of its own."
                )

    def encode(self, tokenizer: PreTrainedTokenizerBase, lead: str = "") -> list[list[int]]:
        """The token ids of each answer, after the white space `lead`.

        Raises
        ------
        ValueError
            Answers that this tokenizer cannot tell apart, or of which it does not know every
            character.
        """
        encoded = [tokens_of(tokenizer, lead + word) for word in self.words]
        word_of: dict[tuple[int, ...], str] = {}
        for word, ids in zip(self.words, encoded, strict=True):
            if not ids or unknown(tokenizer, ids):
                raise ValueError(
                    f"The answer {arguments.shortened(word)} has characters that the model's "
                    "tokenizer does not know; choose answers in letters that it was trained on."
                )
            if (same := word_of.setdefault(tuple(ids), word)) != word:
                raise ValueError(
                    f"The answers {arguments.shortened(same)} and {arguments.shortened(word)} are "
                    "the same tokens to the model's tokenizer "
                    f"({arguments.shortened(tokenizer.decode(ids))}); choose answers that differ "
                    "in more than it drops."
                )
        return encoded


def tokens_of(tokenizer: PreTrainedTokenizerBase, text: str, *, control: bool = False) -> list[int]:
    """The token ids of a piece of text, without any special token around it.

    A name such as `<|im_end|>` in it is text like any other: whoever writes into data does not
    steer the model with it. With `control` it is the token of that name.
    """
    if text.startswith(" ") and puts_space_first(tokenizer):
        text = text[1:]
    found: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=not control)[
        "input_ids"
    ]
    return found


@lru_cache(maxsize=16)
def puts_space_first(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a space is put before every text, also before one that begins with a space.

    So do the tokenizers of Llama 2 and Mistral, made for whole texts: of " good" they make two
    tokens, a lone space and the word.
    """
    word, spaced = (
        tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"])
        for text in ("a", " a")
    )
    return bool(word) and word[0].startswith(SPACE) and spaced != word


SPACE = "\u2581"  # what stands for a space in SentencePiece's tokens (Kudo & Richardson 2018)


def cut_behind(tokenizer: PreTrainedTokenizerBase, text: str, tokens: int) -> str:
    """The beginning of a text that is no more than so many tokens."""
    ends = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    if len(ends["input_ids"]) <= tokens:
        return text
    # A sign of several tokens, as many emoji are, ends where the last of them does.
    for last in range(tokens, 0, -1):
        short = text[: ends["offset_mapping"][last - 1][1]]
        if len(tokens_of(tokenizer, short)) <= tokens:
            return short
    raise ValueError(
        f"{arguments.shortened(text)} begins with one sign of more than {tokens} tokens; cut less."
    )


def unknown(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> int:
    """How many of the tokens stand for characters that the tokenizer does not know.

    A tokenizer of bytes knows them all.
    """
    return 0 if tokenizer.unk_token_id is None else ids.count(tokenizer.unk_token_id)


def unknown_share(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> float:
    """The share of the texts' tokens that the tokenizer does not know, from 0 to 1.

    Such a token says no more than that something stood there: the model answers as if every
    unknown word were the same.
    """
    encoded = [tokens_of(tokenizer, text) for text in texts]
    return sum(unknown(tokenizer, ids) for ids in encoded) / max(1, sum(map(len, encoded)))


def around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and behind every text: nothing and </s> for T5.

    Raises
    ------
    ValueError
        A tokenizer that knows no letter, or that changes a text for what stands around it.
    """
    text = tokens_of(tokenizer, "a")
    whole = tokenizer("a")["input_ids"]
    for at in range(len(whole) - len(text) + 1):
        if text and whole[at : at + len(text)] == text:
            return whole[:at], whole[at + len(text) :]
    raise ValueError(
        f"The tokenizer makes {whole} of 'a', in which {text}, what it makes of 'a' alone, does "
        "not stand; save the model with the tokenizer it was trained with."
    )

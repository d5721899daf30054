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

from dataclasses import dataclass
from functools import cached_property, lru_cache
from string import Formatter

from transformers import PreTrainedTokenizerBase


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
        No `{x}`, no `{y}`, either of them twice, an unknown field, soft slots of no length, or
        anything trainable or variable after `{y}`, which a causal model cannot see.
    """

    text: str

    def __post_init__(self) -> None:
        fields = [part for part in self.parts if part in (X, Y)]
        for field in (X, Y):
            if fields.count(field) != 1:
                raise ValueError(
                    f"The template {self.text!r} has {fields.count(field)} times {{{field[1]}}}; "
                    f"write {{{field[1]}}} exactly once."
                )
        after_answer = self.parts[self.parts.index(Y) + 1 :]
        if X in after_answer or any(isinstance(part, Soft) for part in after_answer):
            raise ValueError(
                f"In the template {self.text!r} an {{x}} or {{soft}} stands after {{y}}, where a "
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
                f"The template {self.text!r} has a brace that does not match ({error}); "
                "write {{ or }} for a brace."
            ) from None
        for literal, field, length, _ in parsed:
            if literal:
                # Formatter splits at an escaped brace; one piece of text stays one part.
                joined = parts and isinstance(parts[-1], str)
                parts[-1:] = [f"{parts[-1]}{literal}"] if joined else [*parts[-1:], literal]
            if field in ("x", "y") and not length:
                parts.append(X if field == "x" else Y)
            elif field == "soft" and length and length.isdecimal() and int(length) > 0:
                parts.append(Soft(first=soft, length=int(length)))
                soft += int(length)
            elif field is not None:
                written = f"{{{field}:{length}}}" if length else f"{{{field}}}"
                raise ValueError(
                    f"The template {self.text!r} has an unknown field {written}; "
                    "the fields are {x}, {y} and {soft:N} with N of at least 1."
                )
        return tuple(parts)

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
        Fewer than two words, or an empty one.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.words) < 2:
            raise ValueError(f"A verbalizer needs at least two answers, not {list(self.words)}.")
        for label, word in enumerate(self.words):
            if not word.strip():
                raise ValueError(f"The answer of label {label} is empty; give it a word.")

    def encode(self, tokenizer: PreTrainedTokenizerBase, lead: str = "") -> list[list[int]]:
        """The token ids of each answer, after the white space `lead`.

        Raises
        ------
        ValueError
            Two answers begin with the same token, so that their first tokens cannot tell them
            apart.
        """
        encoded = [tokens_of(tokenizer, lead + word) for word in self.words]
        first: dict[int, str] = {}
        for word, ids in zip(self.words, encoded, strict=True):
            if ids[0] in first:
                shared = tokenizer.decode([ids[0]])
                raise ValueError(
                    f"The answers {first[ids[0]]!r} and {word!r} begin with the same token "
                    f"({shared!r}); choose answers whose first tokens differ."
                )
            first[ids[0]] = word
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

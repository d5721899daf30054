"""The language of what panels and checks say: `PREFIXLAB_LANGUAGE=zh_CN`, English without it.

What is said stands in the code in English, as `gettext("Choose again")`; a text with values in it
is a template, `gettext("run {number}").format(number=3)`. `locale/` has a catalogue for each
language (docs/translating.md).
"""

import os
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"


def chosen() -> str:
    """The language asked for, such as "zh_CN"; "" is English."""
    return os.environ.get("PREFIXLAB_LANGUAGE", "")


def gettext(text: str) -> str:
    """The text in the language chosen; as it is, where the catalogue does not have it."""
    return words().get(text, text)


def gettext_noop(text: str) -> str:
    """The text as it is: an entry of the catalogue that is translated where it is shown."""
    return text


def words() -> dict[str, str]:
    """What is said in the language chosen, by what it is in English; {} for English."""
    return catalogue(chosen()) if chosen() else {}


@cache
def catalogue(language: str) -> dict[str, str]:
    """What panels and checks say in a language, by what they say in English.

    Raises
    ------
    ValueError
        There is no catalogue of the language.
    """
    known = sorted(place.stem for place in LOCALE.glob("*.po"))
    if language not in known:
        raise ValueError(
            f"PREFIXLAB_LANGUAGE is {language!r}, and there is {', '.join(known)} besides English; "
            "set one of these, or leave it out for English."
        )
    return read(LOCALE / f"{language}.po")


def read(place: Path) -> dict[str, str]:
    """A catalogue's entries that are translated, and not only guessed ("fuzzy")."""
    from babel.messages.pofile import read_po  # English does without it

    with place.open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.string and not entry.fuzzy]
    return {str(entry.id): str(entry.string) for entry in entries if entry.id}

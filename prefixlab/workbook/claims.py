"""The ledger of claims: what papers and lessons say is better, and what the runs say to that.

    python -m prefixlab.workbook.claims                         prints the ledger
    python -m prefixlab.workbook.claims --markdown README.md    writes it into the README

What a claim is, and how its verdict is computed, stands in `claim.py`; the claims in `claimed`.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

from prefixlab.arguments import one_of
from prefixlab.workbook.claim import BLEU, DIGITS, SLOTS, UNITS, VERDICTS, Claim
from prefixlab.workbook.claimed import CLAIMS
from prefixlab.workbook.evidence import Evidence, Records
from prefixlab.workbook.panels.tables import table

HEADS = ("lesson", "claim", "source", "verdict", "measured here")
BEGIN, END = "<!-- the ledger of claims -->", "<!-- the end of the ledger -->"
# What to know of a model before its figures are laid beside those of a paper.
MODELS = {
    "smollm2": "SmolLM2-135M, unpacked from 4 bits a weight, trained to follow instructions",
    "tiny-lm": "of 0.08 to 2.2 million weights, trained for this workbook",
    "tiny-t5": "of 0.8 million weights, trained for this workbook",
}


@dataclass(frozen=True, repr=False)
class Ledger:
    """Claims, each with its lesson and with what the records say: a table wherever it is shown."""

    entries: list[tuple[str, Claim, Evidence | None]]
    backbone: str

    @classmethod
    def of(cls, claims: Mapping[str, Sequence[Claim]], records: Records) -> "Ledger":
        def weighed(claim: Claim) -> Evidence | None:
            compared = claim.comparison
            return records.weigh(compared, claim.measure) if compared else None

        entries = [(name, one, weighed(one)) for name, lesson in claims.items() for one in lesson]
        return cls(entries, records.backbone)

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Lesson, claim, source with its figures, verdict and what was measured, as plain text."""
        for lesson, claim, found in self.entries:
            source = ": ".join(filter(None, (claim.source, claim.published))) or "this workbook"
            yield lesson, claim.sentence, source, claim.verdict(found), measured(claim, found)

    @property
    def models(self) -> list[str]:
        """The models of the rows that were weighed, the one with most claims first."""
        counts = Counter(name for *_, found in self.entries if found for name in found.models)
        return [name for name, _ in counts.most_common()]

    def __str__(self) -> str:
        """How many claims there are, of each verdict, and on which models."""
        counts = Counter(claim.verdict(found) for _, claim, found in self.entries)
        shares = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
        names = (f"{one} ({MODELS[one]})" if one in MODELS else one for one in self.models)
        where = ", ".join(names)
        where = f"recorded on {where}" if where else "nothing is recorded yet"
        return f"{counts.total()} claims, {where}: {shares}."

    def __repr__(self) -> str:
        lines = [str(self)]
        for lesson, claims in groupby(self.cells(), lambda cells: cells[0]):
            lines += ["", lesson]
            for _, sentence, source, verdict, found in claims:
                lines.append(f"  {verdict:<14}{sentence}")
                lines += [f"  {'':<14}{text}" for text in (found, source) if text]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = (map(escape, cells[1:]) for cells in self.cells())
        return escape(str(self)) + table(rows, HEADS[1:])

    def json(self) -> str:
        told = [dict(zip(HEADS, cells, strict=True)) for cells in self.cells()]
        return json.dumps({"backbone": self.backbone, "claims": told})

    def markdown(self) -> str:
        """As GitHub shows it."""
        rows = (HEADS, ("---",) * len(HEADS), *self.cells())
        lines = (" | ".join(map(in_a_cell, row)) for row in rows)
        return "\n".join([str(self), "", *(f"| {line} |" for line in lines)])


def in_a_cell(text: str) -> str:
    return escape(text, quote=False).replace("|", r"\|")


def measured(claim: Claim, found: Evidence | None) -> str:
    """The difference, its interval and what they stand on."""
    if found is None:
        return ""
    digits, (low, high) = DIGITS[claim.measure], claim.claimed
    agreeing, seeds = sum(low < one < high for one in found.of_seeds), len(found.of_seeds)
    luck = f"{agreeing} of {seeds} seeds agree" if seeds > 1 else "nothing is trained"
    return (
        f"{found.effect:+.{digits}f} ({found.low:+.{digits}f} to {found.high:+.{digits}f}) "
        f"{UNITS[claim.measure]}; {luck}; {found.sentences:,} "
        f"{'texts' if claim.measure in (BLEU, SLOTS) else 'sentences'}"
    )


def show(lesson: str) -> Ledger:
    """The claims of a lesson, such as "prefix_tuning", as a table with their verdicts.

    Raises
    ------
    ValueError
        No such lesson, a damaged record, or a row that was tested on other sentences.
    """
    return Ledger.of({lesson: CLAIMS[one_of("lesson", lesson, CLAIMS)]}, Records.read())


def found(lesson: str, begins: str) -> Evidence | None:
    """What the records say to the claim of a lesson that begins with these words.

    Raises
    ------
    ValueError
        No such lesson, not one such claim, or as `show`.
    """
    told = [
        claim for claim in CLAIMS[one_of("lesson", lesson, CLAIMS)] if claim.says.startswith(begins)
    ]
    if len(told) != 1 or told[0].comparison is None:
        raise ValueError(
            f"{len(told)} claims of {lesson} begin with {begins!r}; give the first words of one "
            "that is compared here."
        )
    return Records.read().weigh(told[0].comparison, told[0].measure)


def put_into(page: str, text: str) -> str:
    """The page with the text between the two marks, instead of what is there.

    Raises
    ------
    ValueError
        A page without the marks.
    """
    before, start, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"There is no place for the ledger; put {BEGIN} and {END} where it goes.")
    return f"{before}{start}\n{text}\n{end}{after}"


def main(given: Sequence[str], prog: str = f"python -m {__spec__.name}") -> None:
    parser = argparse.ArgumentParser(
        prog=prog, description="Print what the records say to every claim."
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="as JSON")
    how.add_argument(
        "--markdown",
        nargs="?",
        const="",
        metavar="FILE",
        help="as Markdown; into a file, between the two marks in it",
    )
    asked = parser.parse_args(given)
    try:
        ledger = Ledger.of(CLAIMS, Records.read())
        if asked.markdown:
            file = Path(asked.markdown)
            page = put_into(file.read_text(encoding="utf-8"), ledger.markdown())
            file.write_text(page, encoding="utf-8")
        elif asked.json:
            print(ledger.json())
        else:
            print(repr(ledger) if asked.markdown is None else ledger.markdown())
    except (OSError, ValueError) as error:  # each says in one sentence what is wrong
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])

"""A learner's copy has no outputs, keeps what the learner wrote, and is offered what is new."""

import os
import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from prefixlab.workbook import copies
from prefixlab.workbook.copies import LESSONS, MINE, ROOT, bring_up_to_date

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("00_start", "01_next"):
        store(folder / f"{name}.ipynb", "1 + 1")
    (folder / "my-notes.ipynb").write_text("not a lesson")
    return folder


@pytest.fixture
def mine(lessons: Path) -> Path:
    folder = lessons.parent / "mine"
    bring_up_to_date(lessons, folder)
    return folder


def store(path: Path, source: str) -> None:
    """A lesson with an output, always with the same ids."""
    output = nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=3)
    cell = nbformat.v4.new_code_cell(source, execution_count=3, outputs=[output], id="a")
    words = "# A lesson\n[next](01_next.ipynb), [what it reads](../data/README.md#films), [web](http://x.y)"
    text = nbformat.v4.new_markdown_cell(words, id="b")
    nbformat.write(nbformat.v4.new_notebook(cells=[text, cell]), path)


def source_of(copy: Path) -> str:
    return nbformat.read(copy, as_version=4).cells[1].source


def change(copy: Path, source: str) -> None:
    book = nbformat.read(copy, as_version=4)
    book.cells[1].source = source
    nbformat.write(book, copy)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_copies_have_no_outputs_and_the_lessons_keep_theirs(lessons: Path, mine: Path) -> None:
    assert names(mine) == [".copied.json", "00_start.ipynb", "01_next.ipynb"]
    copy = nbformat.read(mine / "00_start.ipynb", as_version=4)
    assert copy.cells[0].source.startswith("# A lesson")
    assert (copy.cells[1].source, copy.cells[1].outputs) == ("1 + 1", [])
    assert copy.cells[1].execution_count is None
    assert nbformat.read(lessons / "00_start.ipynb", as_version=4).cells[1].outputs


def test_it_says_what_it_copied_and_then_nothing(lessons: Path, mine: Path) -> None:
    assert bring_up_to_date(lessons, mine) == []
    (mine / "01_next.ipynb").unlink()
    assert bring_up_to_date(lessons, mine) == ["1 lesson copied to mine/: yours to change."]
    assert source_of(mine / "01_next.ipynb") == "1 + 1"


def test_what_the_learner_wrote_stays(lessons: Path, mine: Path) -> None:
    change(mine / "00_start.ipynb", "my own")
    before = (mine / "00_start.ipynb").read_bytes()
    assert bring_up_to_date(lessons, mine) == []
    assert (mine / "00_start.ipynb").read_bytes() == before


def test_a_new_output_of_a_lesson_is_no_new_lesson(lessons: Path, mine: Path) -> None:
    book = nbformat.read(lessons / "00_start.ipynb", as_version=4)
    book.cells[1].outputs[0].data["text/plain"] = "3"
    nbformat.write(book, lessons / "00_start.ipynb")
    assert bring_up_to_date(lessons, mine) == []


def test_a_new_lesson_replaces_a_copy_as_it_came(lessons: Path, mine: Path) -> None:
    store(lessons / "00_start.ipynb", "2 + 2")
    (line,) = bring_up_to_date(lessons, mine)
    assert line.startswith("00_start.ipynb is new since; your copy was as it came")
    assert source_of(mine / "00_start.ipynb") == "2 + 2"
    assert names(mine) == [".copied.json", "00_start.ipynb", "01_next.ipynb"]


def test_a_new_lesson_stands_beside_a_copy_that_was_changed(lessons: Path, mine: Path) -> None:
    change(mine / "00_start.ipynb", "my own")
    store(lessons / "00_start.ipynb", "2 + 2")
    (line,) = bring_up_to_date(lessons, mine)
    (beside,) = mine.glob("00_start.new-*.ipynb")
    assert line == f"00_start.ipynb is new since; yours is kept, and the new one is {beside.name}."
    assert source_of(mine / "00_start.ipynb") == "my own"
    assert source_of(beside) == "2 + 2"
    beside.unlink()  # looked at, and not wanted
    assert bring_up_to_date(lessons, mine) == []
    assert not beside.exists()


def test_what_the_learner_wrote_in_the_new_one_stays_too(lessons: Path, mine: Path) -> None:
    change(mine / "00_start.ipynb", "my own")
    store(lessons / "00_start.ipynb", "2 + 2")
    bring_up_to_date(lessons, mine)
    (beside,) = mine.glob("00_start.new-*.ipynb")
    change(beside, "my own too")
    store(lessons / "00_start.ipynb", "3 + 3")
    bring_up_to_date(lessons, mine)
    store(lessons / "00_start.ipynb", "2 + 2")  # and back: the same name once more
    bring_up_to_date(lessons, mine)
    assert source_of(beside) == "my own too"
    assert source_of(mine / "00_start.ipynb") == "my own"


def test_a_copy_of_unknown_origin_is_kept(lessons: Path, mine: Path) -> None:
    (mine / ".copied.json").unlink()
    change(mine / "00_start.ipynb", "my own")
    lines = bring_up_to_date(lessons, mine)
    assert source_of(mine / "00_start.ipynb") == "my own"
    assert [line.split()[0] for line in lines] == ["00_start.ipynb"]


def test_where_there_are_no_lessons_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There are no lessons in .*; run this in the fol"):
        bring_up_to_date(tmp_path, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("folder", ["mine", "mine_zh_CN"])
def test_git_keeps_no_copy(folder: str) -> None:
    asked = subprocess.run(
        ["git", "check-ignore", f"{folder}/03_prompt_tuning.ipynb"], cwd=ROOT, capture_output=True
    )
    assert asked.returncode == 0


def test_a_copy_in_another_language_lies_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copies.mine() == MINE
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "zh_CN")
    assert copies.mine() == MINE.with_name("mine_zh_CN")
    bring_up_to_date(LESSONS, tmp_path / "mine_zh_CN")
    copy = nbformat.read(tmp_path / "mine_zh_CN" / "04_prefix_tuning.ipynb", as_version=4)
    lesson = nbformat.read(LESSONS / "04_prefix_tuning.ipynb", as_version=4)
    assert copy.cells[0].source.startswith("# 04 前缀调优")
    assert copy.cells[1].source == lesson.cells[1].source
    assert not any(cell.get("outputs") for cell in copy.cells)


def test_a_language_that_nobody_has_translated_to_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "xx")
    with pytest.raises(SystemExit, match="translated to zh_CN, not to 'xx'"):
        copies.main()


@pytest.mark.parametrize(
    ("asked", "folder"),
    [
        ({}, "mine"),
        ({"LANGUAGE": "de_DE:de"}, "mine"),  # a shell's own, for gettext
        ({"PREFIXLAB_LANGUAGE": "zh_CN"}, "mine_zh_CN"),
    ],
)
def test_make_lab_opens_the_copy_in_the_language(asked: dict[str, str], folder: str) -> None:
    said = {name: value for name, value in os.environ.items() if "LANGUAGE" not in name} | asked
    assert f"/lab/tree/{folder}/00_start_here.ipynb" in lab(said)


def test_make_lab_takes_a_language_on_its_line() -> None:
    assert "/lab/tree/mine_zh_CN/00_start_here.ipynb" in lab(None, "LANGUAGE=zh_CN")


def lab(environment: dict[str, str] | None, *more: str) -> str:
    """What `make lab` would do."""
    make = ["make", "-n", "lab", *more]
    return subprocess.run(make, cwd=ROOT, env=environment, capture_output=True, text=True).stdout


def broken_links(folder: Path) -> list[str]:
    texts = [
        cell.source
        for copy in folder.glob("*.ipynb")
        for cell in nbformat.read(copy, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    links = [link for text in texts for link in LINK.findall(text) if "://" not in link]
    return [link for link in links if not (folder / link).exists()]


def test_links_lead_from_a_copy_where_they_lead_from_the_lesson(lessons: Path, mine: Path) -> None:
    assert set(broken_links(mine)) == {"../data/README.md"}
    (mine.parent / "data").mkdir()
    (mine.parent / "data" / "README.md").touch()
    assert broken_links(mine) == []


def test_what_the_lessons_link_to_is_there_for_a_copy(tmp_path: Path) -> None:
    for folder in ROOT.iterdir():
        if folder.is_dir() and folder.name != MINE.name:
            (tmp_path / folder.name).symlink_to(folder)
    bring_up_to_date(LESSONS, tmp_path / MINE.name)
    assert broken_links(tmp_path / MINE.name) == []

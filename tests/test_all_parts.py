"""`make test` ends with the machine and the time of each part."""

import shutil
from pathlib import Path

import all_parts
import pytest

MAKEFILE = "good:\n\t@sleep 1\nbad:\n\t@exit 3\nnever:\n\t@touch reached\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_the_parts_are_timed_until_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFIXLAB_DTYPE", "float32")
    assert all_parts.main(["good", "bad", "never"]) != 0
    told = capfd.readouterr().out.splitlines()
    start = told.index("== How long it took")
    machine, good, bad, together = told[start + 1 :]
    assert machine.startswith(all_parts.processor())
    assert "bfloat16" in machine
    assert machine.endswith("PREFIXLAB_DTYPE=float32")
    assert good.split() == ["good", "1", "s"]
    assert bad.split()[::3] == ["bad", "FAILED"]
    assert together.split()[0] == "together"
    assert not (tmp_path / "reached").exists()


def test_all_parts_that_pass_are_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_parts, "timed", lambda part: (0, 60.0))
    assert all_parts.main(["unit", "real"]) == 0


def test_the_processor_has_a_name() -> None:
    assert all_parts.processor()

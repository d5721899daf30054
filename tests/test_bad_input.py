"""Bad input: every mistake is a ValueError of one line that names the value and the way out.

The mistakes stand in tables, see `bad_inputs`.
"""

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import bad_inputs
import pytest
from bad_inputs import Given

MODULES = [module.name for module in pkgutil.iter_modules(bad_inputs.__path__)]
TABLES = [import_module(f"bad_inputs.{name}") for name in MODULES]
MISTAKES = {
    f"{module}: {name}": mistake
    for module, table in zip(MODULES, TABLES, strict=True)
    for name, mistake in table.MISTAKES.items()
}


@pytest.mark.parametrize(("mistake", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_a_line_with_its_value_and_the_way_out(
    gpt2, llama, task, tmp_path, mistake, words
):
    before = most_memory()
    with pytest.raises(ValueError, match=r"^.+\.$") as caught:
        mistake(Given(gpt2, llama, task, tmp_path))
    assert most_memory() - before < 500, "megabytes, for a mistake"
    message = str(caught.value)
    assert "\n" not in message
    assert not [word for word in words if word not in message], message
    assert not re.search(r"Traceback|object at 0x", message)


def most_memory() -> float:
    """The most megabytes that this process has had so far."""
    status = Path("/proc/self/status")
    if not status.exists():  # Linux alone tells it in this way
        return 0.0
    return next(
        int(line.split()[1]) / 1000
        for line in status.read_text().splitlines()
        if line.startswith("VmHWM:")
    )

"""Bad input: every mistake is a ValueError of one line that names the value and the way out.

The mistakes stand in tables, see `bad_inputs`.
"""

import pkgutil
import re
from importlib import import_module

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
    with pytest.raises(ValueError, match=r"^.+\.$") as caught:
        mistake(Given(gpt2, llama, task, tmp_path))
    message = str(caught.value)
    assert "\n" not in message
    assert not [word for word in words if word not in message], message
    assert not re.search(r"Traceback|object at 0x", message)

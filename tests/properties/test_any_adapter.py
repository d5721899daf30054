"""Adapters of PEFT from anywhere: no folder whatever does more than be refused in a sentence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from prefixlab import Method, create, from_peft, to_peft
from prefixlab.exchange.adapter_files import CONFIG, WEIGHTS

SMALL = {
    "prompt_tuning": {"prompt_length": 2},
    "cartridge": {"prefix_length": 3, "demonstrations": 1},
    "lora": {"rank": 1, "maps": "c_attn"},
}
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
quick = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def written(gpt2, task, tmp_path_factory):
    """The two files of each kind, as they are written."""
    found = {}
    for name, knobs in SMALL.items():
        folder = to_peft(create(name, gpt2, task, **knobs), tmp_path_factory.mktemp(name))
        found[name] = {file.name: file.read_bytes() for file in folder.iterdir()}
    return found


def refused_or_right(folder, files, lm):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    said = ""
    try:
        assert isinstance(from_peft(folder, lm), Method)
    except ValueError as error:
        said = str(error)
    assert not said or (said.endswith(".") and "\n" not in said)


@quick
@given(st.data())
def test_damaged_bytes_are_refused(gpt2, tmp_path, written, data):
    files = dict(written[data.draw(st.sampled_from([*SMALL]))])
    name = data.draw(st.sampled_from([CONFIG, WEIGHTS]))
    whole = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, min(len(whole), 600) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(whole)) | st.integers(0, len(whole)))
    files[name] = bytes(whole[:end])
    refused_or_right(tmp_path, files, gpt2)


@quick
@given(st.data())
def test_any_settings_are_refused_or_right(gpt2, tmp_path, written, data):
    files = dict(written[data.draw(st.sampled_from([*SMALL]))])
    about = json.loads(files[CONFIG])
    about[data.draw(st.sampled_from([*about, "bias", "use_rslora"]))] = data.draw(JSON)
    refused_or_right(tmp_path, files | {CONFIG: json.dumps(about).encode()}, gpt2)

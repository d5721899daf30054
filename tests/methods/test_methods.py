"""What all methods share: the registry, seeds, templates."""

import pytest
import torch

from prefixlab import METHODS, Method, create


def parameters(method: Method) -> list[torch.Tensor]:
    return list(method.state_dict().values())


def test_the_registry_names_the_methods():
    assert all(method.name == name for name, method in METHODS.items())


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("prompt_tuning", {"init": "uniform"}),
        ("prompt_tuning", {"init": "vocabulary"}),
        ("prefix_tuning", {"init": "uniform"}),
        ("prefix_tuning", {"init": "matched"}),
        ("prefix_tuning", {"init": "uniform", "reparameterization": "mlp", "mlp_hidden": 8}),
        ("p_tuning", {"encoder": "none"}),
        ("p_tuning", {"encoder": "lstm"}),
        ("p_tuning_v2", {"init": "matched"}),
        ("adapters", {}),
    ],
)
def test_a_seed_fixes_every_random_choice_and_disturbs_none_outside(gpt2, task, name, knobs):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = parameters(create(name, gpt2, task, seed=5, **knobs))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = parameters(create(name, gpt2, task, seed=5, **knobs))
    other = parameters(create(name, gpt2, task, seed=6, **knobs))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_a_template_of_one_s_own_takes_the_place_of_the_task_s(gpt2, task, name):
    text = "{soft:1}{x} it was {y}" if name == "p_tuning" else "{x} it was {y}"
    method = create(name, gpt2, task, template=text)
    prompt = method.rows(gpt2, task.test.select([0]), task)[0].prompt
    words = [token for token in prompt if token >= 0]
    assert gpt2.tokenizer.decode(words[-6:]).endswith("it was")


def test_what_a_method_is_can_be_written_down_and_made_again(gpt2, task):
    method = create("prefix_tuning", gpt2, task, seed=3, prefix_length=4, init="matched")
    about = method.describe()
    same = create(about["method"], gpt2, task, seed=about["seed"], **about["knobs"])
    assert torch.equal(same.prefix(), method.prefix())

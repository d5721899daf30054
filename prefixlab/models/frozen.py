"""A frozen model, and the one place where it is given a conditioning.

    embedded     virtual tokens at their slots        what edits make of it
    attention    the past before the text             what edits make of it
    modules      edits change outputs and weights

Whatever is given is there for one pass, and in one thread.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from threading import RLock
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from prefixlab.models.attention import ATTENTION, Pass, by_index, running
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.geometry import Geometry
from prefixlab.models.linear import quicken
from prefixlab.models.pair import check_pair, padding_of


class Frozen:
    """A model of `transformers` whose weights stay as they are, with its tokenizer."""

    attention: ClassVar[str] = ATTENTION  # what its layers call, by the name transformers knows
    Sizes: ClassVar[type[Geometry]] = Geometry

    def __init__(self, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        self.name = name
        self.model = model.eval().requires_grad_(False)
        quicken(self.model)
        self.geometry: Geometry = self.Sizes.of(name, model.config)
        check_pair(name, model, tokenizer)
        self.tokenizer = tokenizer
        self.padding = padding_of(model, tokenizer)
        self.model.set_attn_implementation(self.attention if self.is_open else "eager")
        # What a pass changes inside the model is there for whoever else runs it meanwhile: a cell,
        # and a panel, whose callbacks JupyterLab runs in a thread of their own.
        self._turn = RLock()

    @property
    def is_open(self) -> bool:
        """Whether the layers call the attention they are given, in place of one of their own.

        Elsewhere only what comes before the text can be set, the same for all layers.
        """
        return bool(self.model._supports_attention_backend)

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    @property
    def embedding(self) -> Tensor:
        """The input embeddings E, [vocabulary, hidden]."""
        return self.model.get_input_embeddings().weight

    @cached_property
    def fingerprint(self) -> str:
        """What tells this model's weights from any others: 16 hexadecimal digits of a SHA-256.

        It is taken of the weights in bfloat16, so that it is the same in whatever precision they
        were loaded, and wherever they lie.
        """
        found = hashlib.sha256()
        for name, weight in sorted(self.model.state_dict().items()):
            exact = weight.detach().to("cpu", torch.bfloat16).contiguous()
            found.update(f"{name} {list(exact.shape)} ".encode())
            found.update(exact.flatten().view(torch.uint8).numpy())
        return found.hexdigest()[:16]

    @property
    def output_layer(self) -> Any:
        """The layer that turns activations into logits of words; its rows are W."""
        if layer := self.model.get_output_embeddings():
            return layer
        raise wordless(self.name)

    def __repr__(self) -> str:
        size = self.geometry
        return (
            f"{self.name}: {size.layers} layers of {size.hidden}, {size.parameters / 1e6:.0f}M "
            f"frozen parameters, {str(self.dtype).removeprefix('torch.')} on {self.device}"
        )

    def _call(self, part: nn.Module, given: Conditioning, **inputs: Any) -> Any:
        """A part of the model, with the weights in place that are given."""
        if not (weights := given.weights):
            return part(**inputs)
        name = next(name for name, module in self.model.named_modules() if module is part)
        inner = f"{name}." if name else ""  # an encoder has no output layer around it
        own = {
            name.removeprefix(inner): value.to(self.dtype)
            for name, value in weights.items()
            if name.startswith(inner)
        }
        return functional_call(part, own, kwargs=inputs)

    @contextmanager
    def _given(
        self, given: Conditioning, there: Tensor, tokens: Tensor | None, **about: Any
    ) -> Iterator[None]:
        """Within this context the layers have the past, and compute what the edits say."""
        past = given.past.by_layer() if given.past and self.is_open else {}
        edits = [edit.attention for edit in given.edits]
        with self._turn, ExitStack() as stack:
            for edit in given.edits:
                for name, changed in edit.outputs.items():
                    hook = self.model.get_submodule(name).register_forward_hook(
                        lambda _, inputs, output, own=changed: own(inputs[0], output)
                    )
                    stack.callback(hook.remove)
            stack.enter_context(running(Pass(past, there, edits, tokens, self._number, **about)))
            yield

    # The number of the layer of an attention module, as a past counts them.
    _number: Callable[[Any], int] = staticmethod(by_index)

    def _words(self) -> dict[str, Tensor]:
        """The weights that embed and score words, by name."""
        modules = self.model.get_input_embeddings(), self.model.get_output_embeddings()
        own = {id(weight) for module in modules if module for weight in module.parameters()}
        return {name: value for name, value in self.model.named_parameters() if id(value) in own}

    def _weight(self, own: Tensor, given: Conditioning) -> Tensor:
        """A weight that embeds or scores words, or what is given in its place.

        It is looked up by identity: where W is the embedding too, both are replaced.
        """
        if not (weights := given.weights):
            return own
        name = next(name for name, value in self._words().items() if value is own)
        return weights.get(name, own)

    def _embedded(self, tokens: Tensor, seen: Tensor, given: Conditioning) -> Tensor:
        """What the first layer is given, [batch, T, hidden], as the edits make it."""
        embedded = self._looked_up(tokens, given)
        for edit in given.edits:
            embedded = edit.embedded(embedded, seen)
        return embedded

    def _looked_up(self, tokens: Tensor, given: Conditioning) -> Tensor:
        """[e(x)], with the virtual tokens at their slots: [batch, T, hidden]."""
        module = self.model.get_input_embeddings()
        weight = {"weight": self._weight(self.embedding, given)}
        embedded = functional_call(module, weight, tokens.clamp(min=0)).to(self.dtype)
        if given.virtual is None:
            return embedded
        soft = tokens < 0  # [batch, T]
        # Some families scale what they look up (Gemma 3 by sqrt(h)): a virtual token is a row of
        # the same table.
        virtual = given.virtual * getattr(module, "embed_scale", 1.0)
        slots = virtual.to(self.dtype)[-1 - tokens[soft]]  # [soft slots there, hidden]
        return embedded.masked_scatter(soft[..., None], slots)

    def _head(self, given: Conditioning) -> tuple[Tensor, Tensor | None]:
        """The output layer's W, [vocabulary, hidden], and its bias."""
        head = self.output_layer
        bias = getattr(head, "bias", None)
        return self._weight(head.weight, given), None if bias is None else self._weight(bias, given)


def wordless(name: str) -> ValueError:
    return ValueError(
        f"{name} is an encoder: it has no words to answer with; take a method with a head, or load "
        "a causal model."
    )


def closed(name: str) -> ValueError:
    return ValueError(
        f"The layers of {name} compute attention in a way of their own, into which nothing can be "
        "put: it takes prompts, trained weights and one prefix for all layers; choose one of "
        "these, or another model."
    )

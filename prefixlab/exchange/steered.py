"""Steered: a frozen model and its method as one module, for whoever knows transformers.

    logits_i = LM(tokens_<=i | method),    loss = mean over i of -log p(token_i | tokens_<i, method)

It is called, trained and written with as any model of transformers is. Its parameters, and so what
a trainer trains and stores, are the method's; the frozen model is no part of them.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import Cache, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.utils import can_return_tuple

from prefixlab.data.template import around
from prefixlab.evaluation.generation import check_can_generate
from prefixlab.exchange.to_peft import check_causal, check_in_front
from prefixlab.methods.base import Method, check_backbone, check_method
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.kv_cache import KVCache

IGNORED = -100  # a label that no loss counts, as everywhere in transformers


class Steered(PreTrainedModel, GenerationMixin):
    """A frozen causal model under a method, see `steer`."""

    accepts_loss_kwargs = False  # the loss is a mean over the batch that is given
    _supports_sdpa = True  # whatever attention the frozen model has: it is no concern of this class

    def __init__(self, lm: Backbone, method: Method):
        super().__init__(deepcopy(lm.model.config))
        self.post_init()  # it starts the weights of modules anew: there are none yet
        self.generation_config = deepcopy(lm.model.generation_config)
        self.generation_config.pad_token_id = lm.padding
        self.method = method
        self.lm = lm  # no module: `state_dict` and `parameters` are the method's alone
        self.chance = method.generator()
        before = around(lm.tokenizer)[0]
        named = lm.tokenizer.convert_ids_to_tokens(before)
        # What a text begins with, and slots stand behind.
        self.start = [] if any(mark in method.template.text for mark in named) else before

    @property
    def device(self) -> torch.device:
        return self.lm.device

    @property
    def dtype(self) -> torch.dtype:
        return self.lm.dtype

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Steered":
        """Whoever moves the method moves the frozen model with it."""
        self.lm.model._apply(fn, recurse)
        return super()._apply(fn, recurse)

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        cache: Cache | None = None,
    ) -> CausalLMOutputWithPast:
        """Logits after every token, [batch, T, vocabulary], and the loss of the labels.

        Parameters
        ----------
        input_ids
            Token ids, [batch, T], as the tokenizer makes them: with its start token, if it has one.
        attention_mask
            1 where a token stands, [batch, T]; padding may stand on either side.
        labels
            The tokens to predict, [batch, T], each from those before it; -100 where none is.
        cache
            What of the tokens is read already, as `generate` hands it on. Then the logits are those
            of the others, [batch, new, vocabulary].
        """
        ids = input_ids.to(self.device)
        mask = torch.ones_like(ids) if attention_mask is None else attention_mask.to(self.device)
        tokens, seen, given = self.with_slots(ids, mask.bool())
        now = self.conditioning()
        if cache is not None:
            logits, cache = self.read_on(tokens, seen, now, cache)
            return CausalLMOutputWithPast(logits=logits, cache=cache)
        logits = self.lm.logits(tokens, now, seen)[given].view(*ids.shape, -1)
        if labels is None:
            return CausalLMOutputWithPast(logits=logits)
        target = labels.to(self.device)[:, 1:].flatten()
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), target, ignore_index=IGNORED)
        if self.training:
            loss = loss + self.method.penalty()
        return CausalLMOutputWithPast(loss=loss, logits=logits)

    def conditioning(self) -> Conditioning:
        """What the method gives; in training, with its dropout."""
        self.method.chance = self.chance if self.training else None
        try:
            return self.method.conditioning()
        finally:
            self.method.chance = None

    def with_slots(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The tokens with the method's virtual tokens among them, each [batch, slots + T].

        These stand where the template has them, in front of the text and behind its start token.
        The other two say where anything stands, and where what was given does.
        """
        count, width = self.method.template.virtual_tokens, ids.shape[1]
        first = mask.int().argmax(1, keepdim=True)  # behind the padding, [batch, 1]
        places = first + torch.arange(len(self.start), device=ids.device)
        begins = ids.gather(1, places.clamp(max=width - 1)) == ids.new_tensor(self.start)
        first = first + len(self.start) * begins.all(1, keepdim=True)  # of the slots
        columns = torch.arange(count + width, device=ids.device)
        slots = (columns >= first) & (columns < first + count)  # [batch, slots + T]
        source = torch.where(columns < first, columns, columns - count).clamp(0, width - 1)
        tokens = torch.where(slots, first - 1 - columns, ids.gather(1, source))
        return tokens, slots | mask.gather(1, source), ~slots

    def read_on(
        self, tokens: Tensor, seen: Tensor, now: Conditioning, cache: Cache
    ) -> tuple[Tensor, Cache | None]:
        """Logits after each token that the cache does not hold yet, and the cache with them."""
        if not (read := cache.get_seq_length()):
            logits, begun = self.lm.prefill(tokens, seen, now)
            return logits[:, None], begun.kept
        there = tokens.new_zeros(len(tokens), 0, dtype=torch.bool)
        if now.past:
            there = now.past.there(len(tokens)).to(self.device)
            # Where layers compute attention in a way of their own the past is in the cache too.
            read -= 0 if self.lm.is_open else now.past.length
        kept = KVCache(now, tokens[:, :read], torch.cat([there, seen[:, :read]], 1), cache)
        new = [self.lm.decode(kept, tokens[:, at]) for at in range(read, tokens.shape[1])]
        return torch.stack(new, dim=1), cache

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        cache: Cache | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """All tokens so far: what of them is new, the cache tells."""
        return {"input_ids": input_ids, "attention_mask": attention_mask, "cache": cache}


def steer(lm: Backbone, method: Method) -> Steered:
    """The frozen model under a method, as a module of torch and a model of transformers.

    It has `forward(input_ids, attention_mask, labels)` and `generate`, so that
    `transformers.Trainer`, `accelerate` and `pipeline("text-generation")` take it
    (`docs/exchange.md`). What it is given is text as it is: the template is not filled in, and the
    method's virtual tokens go in front. Its `state_dict` is the method's.

    Raises
    ------
    ValueError
        A method of another model, one with a head, or with slots elsewhere than in front; an
        encoder or an encoder-decoder.
    """
    check_backbone(lm)
    check_method(method)
    method.check_belongs(lm)
    check_causal(lm.geometry)
    check_can_generate(lm, method, method.conditioning())
    if method.template.virtual_tokens:
        check_in_front(method)
    # Pipelines know by the name of a class what it can do.
    kind = type(type(lm.model).__name__, (Steered,), {"__module__": __name__})
    return kind(lm, method).eval()

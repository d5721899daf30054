"""What papers and lessons claim, by the lesson's name."""

from prefixlab.workbook.claim import Claim
from prefixlab.workbook.claimed import (
    a_past_for_a_document,
    discrete_prompts,
    encoder_and_decoder,
    in_context_learning,
    one_model_many_tasks,
    open_questions,
    p_tuning,
    p_tuning_v2,
    prefix_tuning,
    prompt_tuning,
    table_to_text,
    the_whole_map,
)

CLAIMS: dict[str, tuple[Claim, ...]] = {
    "discrete_prompts": discrete_prompts.CLAIMS,
    "in_context_learning": in_context_learning.CLAIMS,
    "prompt_tuning": prompt_tuning.CLAIMS,
    "prefix_tuning": prefix_tuning.CLAIMS,
    "p_tuning": p_tuning.CLAIMS,
    "p_tuning_v2": p_tuning_v2.CLAIMS,
    "table_to_text": table_to_text.CLAIMS,
    "encoder_and_decoder": encoder_and_decoder.CLAIMS,
    "one_model_many_tasks": one_model_many_tasks.CLAIMS,
    "the_whole_map": the_whole_map.CLAIMS,
    "open_questions": open_questions.CLAIMS,
    "a_past_for_a_document": a_past_for_a_document.CLAIMS,
}

"""Discrete prompts: words written by hand, nothing trained.

A template turns a text into a question, and the model answers it by the word it finds most
probable among the answers: y* = argmax_y p(v(y) | template(x)), with v the verbalizer
(Schick & Schütze 2021, section 3).
"""

from prefixlab.methods.base import Method


class DiscretePrompt(Method):
    """A template with words only: what `Method` is when nothing is added to it."""

    name = "discrete_prompt"

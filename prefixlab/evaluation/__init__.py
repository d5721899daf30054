"""How good a method is: choices, texts, how sure a difference is, and what was learned."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

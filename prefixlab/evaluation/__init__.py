"""How good a method is: the answers that it chooses, and the texts that it writes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

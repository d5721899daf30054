"""prefixlab: steering a frozen language model, from a hand-written prompt to prefix tuning.

torch and transformers take seconds to load. So nothing is loaded before it is used: what there is
stands in `__init__.pyi`, where editors and type checkers look too.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

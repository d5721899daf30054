"""What goes in: templates and answers, tasks and where they come from, rows of token ids."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

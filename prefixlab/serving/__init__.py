"""One model for many: batches of many tasks, and prompts that vote."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

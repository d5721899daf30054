"""The frozen model: how it is loaded, what it computes, and what may come into it."""

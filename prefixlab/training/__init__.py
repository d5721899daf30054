"""Training: the loop, what it keeps in memory, and what it leaves in a file."""

"""Training: the loop, and what it leaves in a file."""

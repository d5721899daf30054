"""The command `prefixlab`: what the package does, from a shell."""

from prefixlab.command.program import main as main

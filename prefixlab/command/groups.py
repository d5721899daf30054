"""Groups: commands that are listed in the order in which they were added."""

import click


class InOrder(click.Group):
    """A group of commands in their own order, where click has the alphabet's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

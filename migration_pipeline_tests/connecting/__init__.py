"""Access by a browser: the way of a code, the places of tokens, and the command that asks."""

"""Roll-back, the restart of a demo, and what people did in between, over real HTTP."""

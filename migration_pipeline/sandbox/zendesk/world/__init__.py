"""The generated help desk of the Zendesk stand-in: pure functions of (size, seed, epoch).

Here: what exists and what it says. Not here: HTTP, JSON envelopes, paging, changes made after the start.
"""

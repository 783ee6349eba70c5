"""The Intercom workspace that is written to: mapping, the load plan, the client, loading, reconciliation, read-back.

Belongs here: everything that knows Intercom as a target. Does not belong here: any source service, or how a run is
scheduled.
"""

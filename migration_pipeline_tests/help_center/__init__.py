"""The help centre, moved over HTTP from one stand-in to the other and read back by other code."""

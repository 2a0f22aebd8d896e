"""Examine the whole house: every check of the table, each failure with the command that repairs it."""

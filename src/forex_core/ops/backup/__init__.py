"""Backups: what is in one, how one is made, proved, listed and pruned."""

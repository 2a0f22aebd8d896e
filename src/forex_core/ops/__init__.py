"""Keeping the program alive: backups, restores and the checks around them."""

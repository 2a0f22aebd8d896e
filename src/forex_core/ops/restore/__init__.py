"""Restores: a whole new tree beside the old one, proved, then exchanged with it in one step."""

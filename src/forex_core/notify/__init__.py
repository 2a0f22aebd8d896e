"""Telling people: the morning mail, from the frozen forecasts to the mail server."""

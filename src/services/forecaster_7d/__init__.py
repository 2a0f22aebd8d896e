"""The service of the 7d forecast."""

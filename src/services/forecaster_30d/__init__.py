"""The service of the 30d forecast."""

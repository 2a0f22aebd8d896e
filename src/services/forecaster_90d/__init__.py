"""The service of the 90d forecast."""

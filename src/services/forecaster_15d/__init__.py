"""The service of the 15d forecast."""

"""One run, from the newest rates to a frozen, reported and tracked forecast."""

"""Honest exchange-rate forecasts: known-at data, frozen forecasts, every number beside the random walk's."""

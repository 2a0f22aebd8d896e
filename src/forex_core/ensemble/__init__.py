"""Arithmetic on the quantiles and weights that the ensemble is given."""

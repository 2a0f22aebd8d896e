"""The members of the ensemble: one a file, listed in `table.MEMBERS`."""

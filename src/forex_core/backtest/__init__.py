"""How members would have done: windows on an anchored grid, metrics, tests of significance."""

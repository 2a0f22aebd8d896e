"""data/forex.db, the operational record and the truth, and the one lock of its writers."""

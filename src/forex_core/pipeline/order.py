"""What is done for a frozen forecast, in this order."""

STEPS = ("report", "track")

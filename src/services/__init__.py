"""The doorways that timers, cron and compose call."""

"""Alerts: what a run tells people who do not look at it. Nothing in here changes a verdict or an exit code."""

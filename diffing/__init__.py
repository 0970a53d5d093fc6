"""Compares exchanges: pure functions, no I/O, no clock, no database."""

"""Sends recorded exchanges to a target, correlates state, stores and judges."""

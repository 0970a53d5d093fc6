"""Modules that are copied beside the tests of a user, and import nothing of ours"""

"""Tests of a recording: written as files that a team owns (`understudy export pytest`), or run as they are (plugin)"""

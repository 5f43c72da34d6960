"""Reporters: a report as text, each form in its file."""

"""Derivatives that public packages ship hand-written, called as installed: the check on real code."""

"""A report as text, plain data and HTML."""

"""The right backward pass of a short f, written in its own names and checked before it is shown."""

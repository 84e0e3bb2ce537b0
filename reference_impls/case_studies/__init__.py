"""Five teaching networks, each complete and each beside the derivation that it was found with, mistake and
all.
"""

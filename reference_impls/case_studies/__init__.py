"""Five teaching networks, each complete, each beside the derivation that it was found with."""

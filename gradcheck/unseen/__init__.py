"""What a pass could not have seen: what is special about the point, and the branches that it does not take."""

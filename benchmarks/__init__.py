"""Speed, cost and accuracy beside the peers."""

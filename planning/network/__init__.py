"""How long data travels, what that costs, and when the network rather than the GPU sets the pace of training."""

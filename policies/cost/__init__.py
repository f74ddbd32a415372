"""Rules on what a stack costs."""

"""What is told about a run while it goes on: to a person, as a log to compute with, and to TensorBoard."""

"""What a service can carry: measured under load, its knee, and what a target load needs and costs."""

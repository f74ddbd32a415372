"""What a stack can leave behind on AWS: one file a family of resources, each of which only looks."""

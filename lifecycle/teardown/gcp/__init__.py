"""What a stack can leave behind on Google Cloud: one file a family of resources, each of which only looks."""

"""What the loader can fill a bucket with, one file a source."""

"""The data set in its bucket, and the way of its examples to the model.

``shards`` says what is stored; ``sources`` are what the loader fills a bucket from; ``streams`` decides, by arithmetic
alone, which examples make up which step; ``batches`` brings them, ahead of the model.
"""

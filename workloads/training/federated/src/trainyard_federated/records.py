"""What travels between the coordinator and a site, and how it is named in Flower's records.

To a site: the weights, the round's number and the hash of what was agreed on. Back: weights, counts and one number that
says how well it went; with an evaluation also the hash of the data set's index. Nothing else is read at either end.
"""

ARRAYS = "arrays"
CONFIG = "config"
METRICS = "metrics"

ROUND = "round"
AGREED = "agreed-sha256"

EXAMPLES = "num-examples"
"""The weight of a reply in every average; the name that Flower's strategies look for."""
LOSS = "loss"
ACCURACY = "accuracy"
TRAIN_EXAMPLES = "train-examples"
SHARDS = "shards"
INDEX = "index-sha256"

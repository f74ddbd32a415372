"""Where the shards of a data set lie, how likely all of them can be read, and which worker reads which."""

"""Many jobs on a given fleet: which runs where and when, so that GPUs work, order is kept and teams wait alike."""

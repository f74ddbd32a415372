"""Evaluation on the test split, each worker taking its own shards."""

from trainyard_training.run import Run


def measure_accuracy(run: Run) -> float:
    """Share of the test split that the model labels rightly, the same on every worker."""
    mine = run.dataset.read_test()
    counts = run.workers.gather(0.0 if mine is None else len(mine))
    # What a sharded model needs of every worker: to compute as often as the one with most examples.
    padding = run.dataset.read_whole_test() if mine is None else mine
    logits = run.learner.predict(padding.inputs, int(max(counts)))[: int(counts[run.workers.rank])]
    correct = 0 if mine is None else int((logits.argmax(axis=1) == mine.labels).sum())
    (total,) = run.workers.sum([float(correct)])
    return total / run.dataset.test_examples

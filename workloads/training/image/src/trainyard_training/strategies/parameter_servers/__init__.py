"""Asynchronous parameter servers: workers send gradients to processes that hold the parameters.

They do not wait for each other beyond a bounded staleness.

Of S + N processes the last S are servers, each with an equal contiguous part of the parameters and of the optimiser's
state (Li et al., "Scaling Distributed Machine Learning with the Parameter Server", OSDI 2014); the first N are workers,
each with a whole model and its own part of every global batch. In each step a worker pulls the parameters, computes a
gradient and pushes it, and every gradient is applied as it comes. How far a worker may be ahead of the slowest one is
bounded by its number of steps (stale synchronous parallel: Ho et al., NIPS 2013).

Read ``training`` first, then ``worker`` and ``server``; ``clocks`` is the rule of who may go on.
"""

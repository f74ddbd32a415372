"""The add-ons of a cluster as Helm charts: one file an add-on, which computes the values of its charts."""

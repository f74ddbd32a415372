"""The inference service on Kubernetes: what fetches the model, what serves it, and the front that knows its clients."""

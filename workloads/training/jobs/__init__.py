"""Training jobs as managed services run them: one job file, three platforms (this machine, SageMaker, Vertex AI)."""

"""The laboratory: the only room that knows MLflow."""

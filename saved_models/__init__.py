"""The trained zoo, and the model repository that TF Serving reads. This package holds data only."""

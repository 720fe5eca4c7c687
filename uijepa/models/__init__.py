"""The networks: video encoder, predictor, projector and language-model decoder."""

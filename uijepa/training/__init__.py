"""The two training stages: JEPA pretraining of the encoder, then tuning of the decoder."""

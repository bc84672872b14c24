"""What the log is, without storage, network or clock: how it grows, what witnesses' answers mean."""

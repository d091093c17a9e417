"""Detection: people in frames, their tracks, and the crops that represent a track."""

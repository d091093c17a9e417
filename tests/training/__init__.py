"""The training scripts: sentences, words, tokens."""

"""The pipeline: a segment goes in, rows in the vector store and a report come out."""

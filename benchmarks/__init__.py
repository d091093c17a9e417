"""Speed and quality, measured by the product's own code. `python -m benchmarks.run` runs all."""

"""Measurements of Selvage beside its peers. `python -m benchmarks` runs them; see README.md."""

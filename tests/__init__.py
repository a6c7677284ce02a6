"""The tests; a package, so that `tests/typing` and `tests/twisted` do not shadow the modules of those names."""

"""The small modules are for the commands of trial, not for pytest."""

collect_ignore = ["corpus"]

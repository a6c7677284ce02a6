"""Do pytest and trial agree?  `make agreement` runs the same tests under both and compares how each ends."""

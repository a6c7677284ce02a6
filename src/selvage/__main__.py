"""`python -m selvage`."""

from selvage.cli import main

if __name__ == "__main__":
    main()

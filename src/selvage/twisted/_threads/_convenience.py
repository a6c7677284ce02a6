"""`twisted._threads._convenience`: a flag that can be set once."""

from selvage.reactor._team import (
    Quit as Quit,
)

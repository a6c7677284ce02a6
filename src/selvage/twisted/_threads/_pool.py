"""`twisted._threads._pool`: a team of threads."""

from selvage.reactor._team import (
    pool as pool,
)

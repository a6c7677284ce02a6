"""`twisted._threads._team`: workers that share what there is to do."""

from selvage.reactor._team import (
    Statistics as Statistics,
    Team as Team,
)

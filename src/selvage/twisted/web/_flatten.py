"""`twisted.web._flatten`: from tags to bytes."""

from selvage.web.template import (
    Flattenable as Flattenable,
    flatten as flatten,
    flattenString as flattenString,
)
from selvage.web.template._flatten import BUFFER_SIZE as BUFFER_SIZE

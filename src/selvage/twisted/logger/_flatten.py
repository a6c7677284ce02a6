"""`twisted.logger._flatten`: see `twisted.logger`."""

from selvage.logger._flat import (
    KeyFlattener as KeyFlattener,
    aFormatter as aFormatter,
    extractField as extractField,
    flattenEvent as flattenEvent,
)

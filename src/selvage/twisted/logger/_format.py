"""`twisted.logger._format`: see `twisted.logger`."""

from selvage.logger._format import (
    eventAsText as eventAsText,
    formatEvent as formatEvent,
    formatEventAsClassicLogText as formatEventAsClassicLogText,
    formatTime as formatTime,
    formatUnformattableEvent as formatUnformattableEvent,
    formatWithCall as formatWithCall,
    timeFormatRFC3339 as timeFormatRFC3339,
)

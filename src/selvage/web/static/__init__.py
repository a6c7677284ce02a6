"""Files, directories and other things that do not change by themselves.  Floor 4.

Twisted: `twisted.web.static`.
"""

from selvage._publish import publish
from selvage.web.static._file import (
    ASISProcessor as ASISProcessor,
    Data as Data,
    File as File,
    Redirect as Redirect,
    Registry as Registry,
    addSlash as addSlash,
    isDangerous as isDangerous,
)
from selvage.web.static._listing import DirectoryLister as DirectoryLister
from selvage.web.static._producers import (
    MultipleRangeStaticProducer as MultipleRangeStaticProducer,
    NoRangeStaticProducer as NoRangeStaticProducer,
    SingleRangeStaticProducer as SingleRangeStaticProducer,
    StaticProducer as StaticProducer,
)
from selvage.web.static._types import (
    formatFileSize as formatFileSize,
    getTypeAndEncoding as getTypeAndEncoding,
    loadMimeTypes as loadMimeTypes,
)

__all__ = [
    "ASISProcessor",
    "Data",
    "DirectoryLister",
    "File",
    "MultipleRangeStaticProducer",
    "NoRangeStaticProducer",
    "Redirect",
    "Registry",
    "SingleRangeStaticProducer",
    "StaticProducer",
    "addSlash",
    "formatFileSize",
    "getTypeAndEncoding",
    "isDangerous",
    "loadMimeTypes",
]

publish(globals())

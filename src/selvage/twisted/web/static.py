"""`twisted.web.static`: files, directories and other things that do not change by themselves."""

from selvage.reactor._platform import PLATFORM_TYPE as platformType  # noqa: F401
from selvage.web.static import (
    ASISProcessor as ASISProcessor,
    Data as Data,
    DirectoryLister as DirectoryLister,
    File as File,
    MultipleRangeStaticProducer as MultipleRangeStaticProducer,
    NoRangeStaticProducer as NoRangeStaticProducer,
    Redirect as Redirect,
    Registry as Registry,
    SingleRangeStaticProducer as SingleRangeStaticProducer,
    StaticProducer as StaticProducer,
    addSlash as addSlash,
    formatFileSize as formatFileSize,
    getTypeAndEncoding as getTypeAndEncoding,
    isDangerous as isDangerous,
    loadMimeTypes as loadMimeTypes,
)
from selvage.web.util import redirectTo as redirectTo

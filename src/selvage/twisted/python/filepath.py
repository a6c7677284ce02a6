"""`twisted.python.filepath`: paths that do not lead out of where they start."""

from stat import (
    S_IRGRP as S_IRGRP,
    S_IROTH as S_IROTH,
    S_IRUSR as S_IRUSR,
    S_IWGRP as S_IWGRP,
    S_IWOTH as S_IWOTH,
    S_IWUSR as S_IWUSR,
    S_IXGRP as S_IXGRP,
    S_IXOTH as S_IXOTH,
    S_IXUSR as S_IXUSR,
)

from selvage.paths import (
    RWX as RWX,
    AbstractFilePath as AbstractFilePath,
    FilePath as FilePath,
    IFilePath as IFilePath,
    InsecurePath as InsecurePath,
    LinkError as LinkError,
    Permissions as Permissions,
    UnlistableError as UnlistableError,
)
from selvage.paths._abstract import OtherAnyStr as OtherAnyStr
from selvage.paths._filepath import (
    FileMode as FileMode,
    _asFilesystemBytes as _asFilesystemBytes,
    _asFilesystemText as _asFilesystemText,
    _coerceToFilesystemEncoding as _coerceToFilesystemEncoding,
)

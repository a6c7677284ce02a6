"""`twisted.web.script`: files that are programs."""

from selvage.web.script import (
    AlreadyCached as AlreadyCached,
    CacheScanner as CacheScanner,
    PythonScript as PythonScript,
    ResourceScript as ResourceScript,
    ResourceScriptDirectory as ResourceScriptDirectory,
    ResourceScriptWrapper as ResourceScriptWrapper,
    ResourceTemplate as ResourceTemplate,
    rpyNoResource as rpyNoResource,
)

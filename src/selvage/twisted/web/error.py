"""`twisted.web.error`: what goes wrong in HTTP."""

from selvage.web.errors import (
    Error as Error,
    ExcessiveBufferingError as ExcessiveBufferingError,
    FlattenerError as FlattenerError,
    InfiniteRedirection as InfiniteRedirection,
    MissingRenderMethod as MissingRenderMethod,
    MissingTemplateLoader as MissingTemplateLoader,
    PageRedirect as PageRedirect,
    RedirectWithNoLocation as RedirectWithNoLocation,
    RenderError as RenderError,
    SchemeNotSupported as SchemeNotSupported,
    UnexposedMethodError as UnexposedMethodError,
    UnfilledSlot as UnfilledSlot,
    UnsupportedMethod as UnsupportedMethod,
    UnsupportedSpecialHeader as UnsupportedSpecialHeader,
    UnsupportedType as UnsupportedType,
    _codeToMessage as _codeToMessage,
)

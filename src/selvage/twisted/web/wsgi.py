"""`twisted.web.wsgi`: WSGI applications, in threads of the reactor's pool."""

from selvage.web._sentinels import NOT_DONE_YET as NOT_DONE_YET
from selvage.web._status import INTERNAL_SERVER_ERROR as INTERNAL_SERVER_ERROR
from selvage.web.wsgi import WSGIResource as WSGIResource

__all__ = ["WSGIResource"]

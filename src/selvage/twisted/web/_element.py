"""`twisted.web._element`: templates together with the methods that fill them."""

from selvage.web.errors import UnexposedMethodError as UnexposedMethodError
from selvage.web.template import Element as Element, renderer as renderer
from selvage.web.template._element import Expose as Expose

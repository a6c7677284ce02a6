"""Pages that say what is wrong.  Floor 4.

Twisted: `twisted.web.pages`.
"""

from selvage._publish import publish
from selvage.web._pages import errorPage as errorPage, forbidden as forbidden, notFound as notFound

__all__ = ["errorPage", "forbidden", "notFound"]

publish(globals())

"""`twisted.web.pages`: pages that say what is wrong."""

from selvage.web._pages import _ErrorPage as _ErrorPage
from selvage.web.pages import errorPage as errorPage, forbidden as forbidden, notFound as notFound

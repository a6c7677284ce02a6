"""Services with an API: paths with parameters, JSON in and out, errors as problem details, CORS, a description.  Floor 4.

    from selvage.web.routes import App, Problem, json_body

    app = App()

    @app.route("/items/<int:number>")
    async def item(request, number):
        if number not in items:
            raise Problem(404, "No such item")
        return items[number]

    app.run(port=8080)

All of it stands on `Resource`: what `resource` returns can be put below any other.
"""

from selvage._publish import publish
from selvage.web.routes._app import App as App
from selvage.web.routes._body import json_body as json_body
from selvage.web.routes._cors import Cors as Cors
from selvage.web.routes._problem import Problem as Problem

__all__ = ["App", "Cors", "Problem", "json_body"]

publish(globals())

"""The REST service of the demonstration (chapter 5.3 of the guide), and the page that shows it in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.defer import ensureDeferred, gatherResults
from selvage.web.client import Client
from selvage.web.routes import App, Problem, json_body

if TYPE_CHECKING:
    from ._story import Story

__all__ = ["items_service"]

#: URLs that may be asked at once for one request: a demonstration is no crawler.
FAN_OUT = 10

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Selvage: items</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}input{font:inherit}</style>
</head><body>
<h1>Items</h1>
<form id="new"><input id="name" placeholder="a new item" autofocus> <button>Create</button></form>
<ul id="items"></ul>
<p>Try <a href="/fail">an endpoint that fails</a>: the page shows nothing, the terminal the story.
<a href="/together?path=/items&amp;path=/nowhere">One that asks others at once</a>. <a href="/docs">All of them</a>.</p>
<script>
async function show() {
  const items = await (await fetch("/items")).json(), list = document.getElementById("items");
  list.replaceChildren(...Object.entries(items).map(([number, item]) => {
    const entry = document.createElement("li"), button = document.createElement("button");
    entry.textContent = `${number}: ${item.name} `;
    button.textContent = "Delete";
    button.onclick = async () => { await fetch(`/items/${number}`, {method: "DELETE"}); show(); };
    entry.append(button);
    return entry;
  }));
}
document.getElementById("new").onsubmit = async event => {
  event.preventDefault();
  const field = document.getElementById("name");
  await fetch("/items", {method: "POST", headers: {"Content-Type": "application/json"},
                         body: JSON.stringify({name: field.value})});
  field.value = "";
  show();
};
show();
</script></body></html>
"""


def items_service(story: Story) -> App:
    """Return the service: items to create, read, change and delete, an endpoint that fails, one that asks others at once."""
    app = App(title="Items")
    items: dict[int, dict[str, str]] = {}

    def told(request: Any) -> None:
        peer = str(getattr(request.getClientAddress(), "port", "?"))
        story.said("items", peer, request.method + b" " + request.uri)

    def item_in(request: Any) -> dict[str, str]:
        content = json_body(request)
        if not isinstance(content, dict) or not isinstance(content.get("name"), str):
            raise Problem(422, errors=[{"field": "name", "message": "has to be text"}])
        return {"name": content["name"]}

    def existing(number: int) -> dict[str, str]:
        if number not in items:
            raise Problem(404, "No such item", f"There is no item {number}.")
        return items[number]

    @app.route("/")
    def page(request: Any) -> str:
        """Show the items in a browser."""
        return _PAGE

    @app.route("/items")
    def list_items(request: Any) -> dict[int, dict[str, str]]:
        """List all items."""
        told(request)
        return items

    @app.route("/items", methods=["POST"])
    def create(request: Any) -> dict[str, Any]:
        """Create an item."""
        told(request)
        number = max(items, default=0) + 1
        items[number] = item_in(request)
        request.setResponseCode(201)
        request.setHeader("Location", f"/items/{number}")
        return {"number": number, **items[number]}

    @app.route("/items/<int:number>")
    def read(request: Any, number: int) -> dict[str, str]:
        """Read one item."""
        told(request)
        return existing(number)

    @app.route("/items/<int:number>", methods=["PUT"])
    def change(request: Any, number: int) -> dict[str, str]:
        """Change an item."""
        told(request)
        existing(number)
        items[number] = item_in(request)
        return items[number]

    @app.route("/items/<int:number>", methods=["DELETE"])
    def delete(request: Any, number: int) -> None:
        """Delete an item."""
        told(request)
        existing(number)
        del items[number]

    @app.route("/fail")
    def fail(request: Any) -> None:
        """Fail, as the first release of any handler does."""
        told(request)
        budget = {"secret": "hunter2"}
        raise ZeroDivisionError(f"a handler has a bug, and knows {len(budget)} secret")

    @app.route("/together")
    async def together(request: Any) -> dict[str, Any]:
        """Ask several paths of this service at once."""
        told(request)
        paths = [path.decode("utf-8", "replace") for path in request.args.get(b"path", [])][:FAN_OUT]
        # Only this service is asked, whatever the client writes: a page that fetches any URL is a way into the house.
        host = request.getHost()
        async with Client() as client:

            async def ask(path: str) -> int:
                response = await client.get(f"http://{host.host}:{host.port}/{path.lstrip('/')}", timeout=5)
                return int(response.status)

            codes = await gatherResults([ensureDeferred(ask(path)) for path in paths])
        return dict(zip(paths, codes, strict=True))

    return app

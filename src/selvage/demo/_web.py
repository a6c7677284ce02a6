"""The REST service of the demonstration (chapter 5.3 of the guide), and the page that shows it in a browser."""

from __future__ import annotations

from itertools import count
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
<p id="wrong" role="alert"></p>
<p>Try <a href="/fail">an endpoint that fails</a>: the page shows nothing, the terminal the story.
<a href="/together?path=/items&amp;path=/nowhere">One that asks others at once</a>. <a href="/docs">All of them</a>.</p>
<script>
async function ask(path, method = "GET", content) {
  const options = content === undefined ? {method} :
    {method, headers: {"Content-Type": "application/json"}, body: JSON.stringify(content)};
  const answer = await fetch(path, options), body = answer.status === 204 ? null : await answer.json();
  // The list, which is asked for after each change, leaves what was wrong with the change to be read.
  if (method !== "GET" || !answer.ok)
    document.getElementById("wrong").textContent = answer.ok ? "" : body.detail || body.title;
  return answer.ok ? body : null;
}
function button(word, act) {
  const made = document.createElement("button");
  made.textContent = word;
  made.onclick = async () => { await act(); await show(); };
  return made;
}
async function show() {
  const items = await ask("/items") || {}, list = document.getElementById("items");
  list.replaceChildren(...Object.entries(items).map(([number, item]) => {
    const entry = document.createElement("li"), field = document.createElement("input");
    field.value = item.name;
    entry.append(`${number}: `, field, " ", button("Change", () => ask(`/items/${number}`, "PUT", {name: field.value})),
                 " ", button("Delete", () => ask(`/items/${number}`, "DELETE")));
    return entry;
  }));
}
document.getElementById("new").onsubmit = async event => {
  event.preventDefault();
  const field = document.getElementById("name");
  if (await ask("/items", "POST", {name: field.value})) field.value = "";
  await show();
};
show();
</script></body></html>
"""


def _item(content: Any) -> dict[str, str]:
    """Return an item as it is kept, from what a client sent."""
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name:
        raise ValueError("An item has a name, which is text.")
    return {"name": name}


def items_service(story: Story) -> App:
    """Return the service: items to create, read, change and delete, an endpoint that fails, one that asks others at once."""
    app = App(title="Items")
    items: dict[int, dict[str, str]] = {}
    numbers = count(1)

    def told(request: Any) -> None:
        peer = str(getattr(request.getClientAddress(), "port", "?"))
        story.said("items", peer, request.method + b" " + request.uri)

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
        item = json_body(request, _item)
        number = next(numbers)
        items[number] = item
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
        items[number] = json_body(request, _item)
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

            async def ask(path: str) -> int | str:
                try:
                    response = await client.get(
                        f"http://{host.host}:{host.port}/{path.lstrip('/')}", timeout=5
                    )
                except Exception as error:
                    return type(error).__name__  # the others are told all the same
                return int(response.status)

            codes = await gatherResults([ensureDeferred(ask(path)) for path in paths])
        return dict(zip(paths, codes, strict=True))

    return app

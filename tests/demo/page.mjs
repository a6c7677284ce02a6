// Runs the page of the demonstration's items in a document that has only what the page uses: `node page.mjs URL`.
// It says on each line what the list shows after one thing that a visitor does.

class Element {
  constructor() { this.value = this.textContent = ""; this.children = []; }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  click(word) { return this.children.find(child => child.textContent === word).onclick(); }
  get shown() { return this.children.filter(child => typeof child === "string" || child.value)
                           .map(child => child.value || child).join("").trim(); }
}

const url = process.argv[2], page = await (await fetch(`${url}/`)).text();
const elements = Object.fromEntries([...page.matchAll(/id="(\w+)"/g)].map(([, id]) => [id, new Element()]));
globalThis.document = {getElementById: id => elements[id], createElement: () => new Element()};
const reallyFetch = fetch;
globalThis.fetch = (path, options) => reallyFetch(url + path, options);
(0, eval)(page.match(/<script>(.*)<\/script>/s)[1]);
const {items, wrong} = elements, create = elements.new, field = elements.name;

const say = what => console.log(`${what}: ${items.children.map(entry => entry.shown).join(", ")} ${wrong.textContent}`.trim());
async function submit(name) { field.value = name; await create.onsubmit({preventDefault() {}}); }
await submit("nut");
await submit("<b>bolt</b>");
say("created");
items.children[0].children[1].value = "screw";
await items.children[0].click("Change");
say("changed");
await items.children[1].click("Delete");
say("deleted");
await submit("");
say("refused");
items.children[0].children[1].value = "";
await items.children[0].click("Change");
say("refused to change");
await submit("washer");
say("taken");

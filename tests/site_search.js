// The search of the built site, as its pages run it, without a browser: node site_search.js SITE QUERY...
// Prints what each query finds, the best first, as JSON: pairs of a page and a place in it.
const fs = require("fs"), path = require("path"), vm = require("vm");
const [site, ...queries] = process.argv.slice(2);
const page = { documentElement: { dataset: { content_root: "./" } }, querySelectorAll: () => [], addEventListener: () => {}, getElementById: () => null };
const context = vm.createContext({ URLSearchParams, document: page, SPHINX_HIGHLIGHT_ENABLED: false, _ready: () => {} });
context.window = context;
for (const file of ["_static/language_data.js", "_static/searchtools.js", "searchindex.js", "_static/known_messages.js", "_static/search_messages.js"])
  vm.runInContext(fs.readFileSync(path.join(site, file), "utf8"), context, file);
const search = vm.runInContext("(query) => Search._performSearch(...Search._parseQuery(query)).map((one) => [one[0], one[2]])", context);
console.log(JSON.stringify(Object.fromEntries(queries.map((query) => [query, [...search(query)].reverse()]))));

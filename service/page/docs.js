// The API's documentation, drawn from openapi.json alone.

const api = await (await fetch("/openapi.json")).json();

function make(tag, text = "", attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// A description: paragraphs, with `code` inside.
function words(text) {
  return text.split("\n\n").map((paragraph) => {
    const made = make("p");
    made.append(...paragraph.split("`").map((part, index) => (index % 2 ? make("code", part) : part)));
    return made;
  });
}

function resolve(schema) {
  if (!schema?.$ref) return schema ?? {};
  return schema.$ref.slice(2).split("/").reduce((node, key) => node[key], api);
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.enum) return schema.enum.map((value) => `"${value}"`).join(" | ");
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties) return `map of ${kind(schema.additionalProperties)}`;
  return schema.format ? `${schema.type} (${schema.format})` : schema.type;
}

function table(heads, rows) {
  const wrap = make("div", "", { class: "scroll" });
  const made = wrap.appendChild(make("table"));
  const head = made.appendChild(make("thead")).appendChild(make("tr"));
  head.append(...heads.map((text) => make("th", text, { scope: "col" })));
  const body = made.appendChild(make("tbody"));
  for (const [first, ...rest] of rows) {
    const row = body.appendChild(make("tr"));
    row.appendChild(make("td")).append(make("code", first));
    row.append(...rest.map((text) => make("td", text ?? "")));
  }
  return wrap;
}

function curl(path, method, operation) {
  const address = `${location.origin}${path}`;
  const body = operation.requestBody?.content ?? {};
  if (body["multipart/form-data"]) return `curl -F file=@clip.mp4 ${address}`;
  const example = body["application/json"]?.example;
  if (example) return `curl ${address} -H 'Content-Type: application/json' -d '${JSON.stringify(example, null, 2)}'`;
  return method === "get" ? `curl ${address}` : `curl -X ${method.toUpperCase()} ${address}`;
}

// How the same answer comes in pieces, where the route offers that.
function stream(path, operation) {
  const events = operation.responses["200"]?.content?.["text/event-stream"]?.example;
  const asks = operation.parameters?.some(({ name }) => name === "stream");
  if (!events || !asks) return [];
  const command = `curl -N -F file=@clip.mp4 '${location.origin}${path}?stream=true'`;
  return [make("h3", "Example, as events"), code(command), code(events.trim())];
}

const code = (text) => make("pre", text, { tabindex: "0" });

function route(path, method, operation) {
  const article = make("article");
  const title = article.appendChild(make("h2"));
  title.append(make("span", method.toUpperCase(), { class: "method" }), make("code", path));
  article.append(...words(operation.description ?? operation.summary));
  article.append(make("h3", "Example"), code(curl(path, method, operation)));
  const answer = resolve(operation.responses["200"]?.content?.["application/json"]?.schema);
  if (answer.examples) {
    const example = Object.fromEntries(Object.keys(answer.properties).map((name) => [name, answer.examples[0][name]]));
    article.append(code(JSON.stringify(example, null, 2)));
  }
  article.append(...stream(path, operation));
  if (answer.properties) {
    const rows = Object.entries(answer.properties).map(([name, schema]) => [name, kind(schema), schema.description]);
    article.append(make("h3", "Answer"), table(["Field", "Type", "Meaning"], rows));
  }
  const problems = Object.entries(operation.responses).filter(([status]) => status >= 400);
  if (problems.length) {
    const rows = problems.map(([status, response]) => [status, response.description.replaceAll("`", "")]);
    const details = article.appendChild(make("details"));
    details.append(make("summary", "Problems"), table(["Status", "When"], rows));
  }
  return article;
}

document.getElementById("about").textContent = `${api.info.description} Version ${api.info.version}.`;
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    document.getElementById("routes").append(route(path, method, operation));
  }
}

const problem = resolve({ $ref: "#/components/schemas/Problem" });
const titles = problem.properties.code["x-kinds"];
for (const code of problem.properties.code.enum) {
  const row = make("tr", "", { id: code });
  row.appendChild(make("td")).append(make("code", code));
  row.append(make("td", `${titles[code].status} ${titles[code].title}`));
  document.getElementById("problems").append(row);
}
// The rows came after the browser looked for the one that the address names.
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();

// The description of the API for a person, drawn from /openapi.json. Nothing is loaded from elsewhere.

import { byId, h } from "./core/dom.js";
import { ask } from "./core/http.js";

const base = location.origin;
let schemas = {};

async function start() {
  const spec = await ask("/openapi.json");
  schemas = spec.components?.schemas ?? {};
  const routes = Object.entries(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => operation(path, method, route)),
  );
  byId("api").replaceChildren(
    h("h1", {}, `${spec.info.title} ${spec.info.version}`),
    h("p", {}, spec.info.description),
    ...routes,
    h(
      "article",
      {},
      h("h2", {}, "Problem"),
      h("p", {}, "The body of every error; rule stands only where a rule refuses the sentence."),
      fields(schemas.Refusal),
    ),
  );
  byId("api").setAttribute("aria-busy", "false");
}

function operation(path, method, route) {
  const body = route.requestBody?.content["application/json"]?.schema;
  const answer = route.responses["200"]?.content?.["application/json"]?.schema;
  return h(
    "article",
    { id: route.operationId },
    h("h2", {}, h("span", { class: "method" }, method.toUpperCase()), path),
    h("p", {}, route.description ?? route.summary),
    ...section("Parameters", route.parameters?.length ? parameters(route.parameters) : null),
    ...section("JSON body", body ? fields(resolve(body)) : null),
    ...section("Answer", answer ? fields(resolve(answer)) : null),
    ...section("Statuses", h("p", {}, Object.keys(route.responses).join(", "))),
    ...section("Try", h("pre", {}, h("code", {}, curl(path, method, body)))),
  );
}

const section = (title, node) => (node ? [h("h3", {}, title), node] : []);

function parameters(list) {
  return table(
    list.map(({ name, in: place, required, schema, description }) => [
      name,
      kind(schema),
      `${place}${required ? "" : ", optional"}. ${description ?? schema.description ?? ""}`,
    ]),
  );
}

function fields(schema, prefix = "") {
  return table(rows(schema, prefix));
}

/** A row for each field; the fields of lists of objects follow, indented by their name. */
function rows(schema, prefix) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inner = field.items?.$ref ? resolve(field.items) : null;
    const words = `${required.has(name) ? "" : "optional. "}${field.description ?? ""}`;
    const own = [prefix + name, kind(field), words];
    return inner?.properties ? [own, ...rows(inner, `${prefix}${name}[].`)] : [own];
  });
}

function table(lines) {
  return h(
    "table",
    {},
    h(
      "tbody",
      {},
      ...lines.map(([name, type, words]) =>
        h("tr", {}, h("th", { scope: "row" }, h("code", {}, name)), h("td", {}, type), h("td", {}, words)),
      ),
    ),
  );
}

const resolve = (schema) => (schema.$ref ? schemas[schema.$ref.split("/").pop()] : schema);

function kind(schema) {
  if (schema.$ref) return kind(resolve(schema));
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return `list of ${schema.items ? kind(schema.items) : "values"}`;
  return schema.type ?? "";
}

function curl(path, method, body) {
  if (!body) return `curl '${base}${path}'`;
  const sample = JSON.stringify({ query: "a man in a red coat" });
  return `curl -X ${method.toUpperCase()} '${base}${path}' -H 'Content-Type: application/json' -d '${sample}'`;
}

start();

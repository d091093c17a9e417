// The list of cases, the form of a new one, and the requests for wide searches.

import { h, say } from "../core/dom.js";
import { faultLine, field, onSubmit } from "../core/forms.js";
import { ask, problemText } from "../core/http.js";
import { t } from "../core/i18n.js";
import * as approvals from "./approvals.js";
import * as purpose from "./purpose.js";

/** Load the cases and return the nodes of the list. */
export async function caseList() {
  const { cases } = await ask("/api/cases");
  return [
    h("h2", { id: "cases-title" }, t("view_cases")),
    cases.length ? null : h("p", { class: "panel" }, t("no_cases")),
    h("ul", { class: "case-list" }, ...cases.map(line)),
    newCase(),
    ...(await approvals.requests()),
  ];
}

function line({ id, name, queries, sighting_count: sightings, open }) {
  return h(
    "li",
    {},
    h(
      "a",
      { class: "case-line", href: `#case-${id}` },
      h("strong", {}, name),
      h("span", { class: "hint" }, id),
      h("span", {}, queries[0] ?? ""),
      h("span", { class: "hint" }, t("sightings_n", { n: sightings })),
      open ? null : h("span", { class: "badge nothing" }, t("closed")),
    ),
  );
}

function newCase() {
  const fault = faultLine();
  const inputs = {
    name: h("input", { id: "new-name", maxlength: 200, required: "" }),
    sentence: h("textarea", { id: "new-sentence", rows: 2, maxlength: 500 }),
    place: h("input", { maxlength: 200, placeholder: t("place_hint") }),
    at: h("input", { type: "datetime-local" }),
  };
  const form = h(
    "form",
    { class: "panel" },
    h("h3", {}, t("new_case")),
    field("name", inputs.name),
    field("looks_like", inputs.sentence),
    field("last_place", inputs.place),
    field("last_time", inputs.at),
    fault,
    h("button", { class: "primary", type: "submit" }, t("open_case")),
  );
  onSubmit(form, () => create(inputs, fault));
  return form;
}

async function create({ name, sentence, place, at }, fault) {
  const queries = [sentence.value.trim()].filter(Boolean);
  const where = place.value.trim();
  const seen = where && at.value ? { last_seen: { place: where, time: new Date(at.value).getTime() } } : {};
  try {
    const { id } = await ask("/api/cases", { body: { name: name.value, queries, ...seen } });
    await purpose.refresh(id);
    purpose.choose(id);
    location.hash = `case-${id}`;
  } catch (problem) {
    say(fault, problemText(problem));
  }
}

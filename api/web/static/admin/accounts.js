// The view of accounts, for administrators: who may sign in, with which roles, and what they may see.

import { busy, byId, h, quiet, say } from "../core/dom.js";
import { faultLine, field, onSubmit, tick } from "../core/forms.js";
import { ask, problemText } from "../core/http.js";
import { list, t } from "../core/i18n.js";
import { who } from "../core/session.js";

const ROLES = /** @type {const} */ (["operator", "supervisor", "auditor", "admin"]);
let visible = false;

/** @param {boolean} on */
export function show(on) {
  visible = on;
  if (on) draw();
}

export const relabel = () => visible && draw();

async function draw() {
  const fault = faultLine("people-fault");
  const lines = h("ul", { class: "case-list" });
  try {
    const { accounts } = await busy(byId("people-body"), ask("/api/accounts"));
    lines.append(...accounts.map(line));
  } catch (problem) {
    say(fault, problemText(problem));
  }
  byId("people-body").replaceChildren(fault, lines, form());
}

function sees(scope) {
  const what = scope.everything ? t("everything") : list([...scope.districts, ...scope.cameras]) || t("nothing_to_see");
  return scope.back_hours === null ? what : `${what} · ${t("hours_back", { n: scope.back_hours })}`;
}

/** @param {(typeof ROLES)[number]} role */
const roleWords = (role) => t(`role_${role}`);

function line(account) {
  return h(
    "li",
    { class: "case-line" },
    h("strong", {}, account.name),
    h("span", {}, list(account.roles.map(roleWords))),
    h("span", { class: "hint" }, sees(account.scope)),
    account.oidc ? h("span", { class: "hint" }, t("elsewhere")) : null,
    account.disabled ? h("span", { class: "badge nothing" }, t("locked_out")) : null,
    quiet(t(account.disabled ? "let_in" : "lock_out"), () => toggle(account)),
  );
}

async function toggle(account) {
  try {
    await ask(`/api/accounts/${account.number}`, { method: "PATCH", body: { disabled: !account.disabled } });
    draw();
  } catch (problem) {
    say(byId("people-fault"), problemText(problem));
  }
}

function inputs() {
  return {
    name: h("input", { maxlength: 64, required: "", autocomplete: "off", autocapitalize: "none" }),
    password: h("input", {
      type: "password",
      minlength: 10,
      maxlength: 200,
      required: "",
      autocomplete: "new-password",
    }),
    elsewhere: h("input", { type: "checkbox" }),
    roles: ROLES.map((role) => h("input", { type: "checkbox", value: role })),
    everything: h("input", { type: "checkbox" }),
    districts: h("input", { maxlength: 2000 }),
  };
}

function form() {
  const of = inputs();
  const { oidc_host: host } = who();
  const fault = faultLine();
  of.elsewhere.addEventListener("change", () => (of.password.disabled = of.elsewhere.checked));
  const made = h(
    "form",
    { class: "panel", id: "new-account" },
    h("h3", {}, t("new_account")),
    field("name", of.name),
    field("password", of.password),
    host ? tick(of.elsewhere, t("no_password", { host })) : null,
    h("fieldset", {}, h("legend", {}, t("roles")), ...of.roles.map((box, n) => tick(box, roleWords(ROLES[n])))),
    h(
      "fieldset",
      {},
      h("legend", {}, t("may_see")),
      tick(of.everything, t("everything")),
      field("districts", of.districts),
    ),
    fault,
    h("button", { class: "primary", type: "submit" }, t("make_account")),
  );
  onSubmit(made, () => create(of, fault));
  return made;
}

async function create(of, fault) {
  const districts = of.districts.value.split(/[,，、]/).map((name) => name.trim());
  const body = {
    name: of.name.value.trim(),
    ...(of.elsewhere.checked ? {} : { password: of.password.value }),
    roles: of.roles.filter((box) => box.checked).map((box) => box.value),
    scope: of.everything.checked ? { everything: true } : { districts: districts.filter(Boolean) },
  };
  try {
    await ask("/api/accounts", { body });
    draw();
  } catch (problem) {
    say(fault, problemText(problem));
  }
}

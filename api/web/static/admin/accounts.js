// Accounts, for administrators: who may sign in, with which roles, and what they may see.

import { busy, byId, h, say } from "../core/dom.js";
import { who } from "../core/session.js";
import { t } from "../core/i18n.js";
import { ask } from "../core/http.js";

const ROLES = ["operator", "supervisor", "auditor", "admin"];
let visible = false;

export function show(on) {
  visible = on;
  if (on) draw();
}

export const relabel = () => visible && draw();

async function draw() {
  const found = await busy(byId("people-body"), ask("/api/accounts")).catch((problem) => problem);
  const fault = h("p", { id: "people-fault", class: "fault", role: "alert", hidden: "" });
  const rows = (found.accounts ?? []).map(line);
  byId("people-body").replaceChildren(fault, h("ul", { class: "case-list" }, ...rows), form());
  if (!found.accounts) say(fault, found.body?.what ?? t("unreachable"));
}

const words = (problem) => [problem.body?.what, problem.body?.expected, problem.body?.cure].filter(Boolean).join(" · ") || t("unreachable");

function sees(scope) {
  const what = scope.everything ? t("everything") : [...scope.districts, ...scope.cameras].join(", ") || t("nothing_to_see");
  return scope.back_hours === null ? what : `${what} · ${t("hours_back", { n: scope.back_hours })}`;
}

function line(account) {
  const change = async () => {
    try {
      await ask(`/api/accounts/${account.number}`, { method: "PATCH", body: { disabled: !account.disabled } });
      draw();
    } catch (problem) {
      say(byId("people-fault"), words(problem));
    }
  };
  return h("li", { class: "case-line" }, h("strong", {}, account.name), h("span", {}, account.roles.map((role) => t(`role_${role}`)).join(", ")),
    h("span", { class: "hint" }, sees(account.scope)), account.oidc ? h("span", { class: "hint" }, t("elsewhere")) : null, account.disabled ? h("span", { class: "badge nothing" }, t("locked_out")) : null,
    h("button", { type: "button", class: "quiet", onclick: change }, t(account.disabled ? "let_in" : "lock_out")));
}

function form() {
  const name = h("input", { maxlength: 64, required: "", autocomplete: "off", autocapitalize: "none" });
  const password = h("input", { type: "password", minlength: 10, maxlength: 200, required: "", autocomplete: "new-password" });
  const roles = ROLES.map((role) => h("label", { class: "tick" }, h("input", { type: "checkbox", value: role }), t(`role_${role}`)));
  const all = h("input", { type: "checkbox" });
  const elsewhere = h("input", { type: "checkbox" });
  elsewhere.addEventListener("change", () => { password.disabled = elsewhere.checked; });
  const choice = who().oidc ? h("label", { class: "tick" }, elsewhere, t("no_password", { host: who().oidc })) : null;
  const districts = h("input", { maxlength: 2000 });
  const fault = h("p", { class: "fault", role: "alert", hidden: "" });
  const made = h("form", { class: "panel", id: "new-account" }, h("h3", {}, t("new_account")), field("name", name), field("password", password), choice,
    h("fieldset", {}, h("legend", {}, t("roles")), ...roles),
    h("fieldset", {}, h("legend", {}, t("may_see")), h("label", { class: "tick" }, all, t("everything")), field("districts", districts)), fault,
    h("button", { class: "primary", type: "submit" }, t("make_account")));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const named = districts.value.split(/[,，]/).map((one) => one.trim()).filter(Boolean);
    const body = {
      name: name.value.trim(), ...(elsewhere.checked ? {} : { password: password.value }),
      roles: [...made.querySelectorAll("input[type=checkbox][value]")].filter((box) => box.checked && ROLES.includes(box.value)).map((box) => box.value),
      scope: all.checked ? { everything: true } : { districts: named },
    };
    try {
      await ask("/api/accounts", { body });
      draw();
    } catch (problem) {
      say(fault, words(problem));
    }
  });
  return made;
}

const field = (label, input) => h("label", { class: "field" }, h("span", {}, t(label)), input);

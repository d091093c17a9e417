// Who is signed in: the first account, signing in and out. The rest of the page starts when that is known.

import { byId, h, quiet, say } from "./dom.js";
import { faultLine, field, onSubmit } from "./forms.js";
import { ask, onSignedOut, problemText, setToken } from "./http.js";
import { t } from "./i18n.js";

/**
 * What `GET /api/me` answers.
 * @typedef {object} Me
 * @property {string | null} account null: nobody is signed in
 * @property {string[]} roles
 * @property {boolean} accounts_enabled whether there are accounts on this server
 * @property {boolean} [setup_needed] whether the first account is still to be made
 * @property {boolean} [require_case] whether a search needs a case and a reason
 * @property {string} [oidc_host] host of the other place where one can sign in
 * @property {string} [csrf]
 * @property {boolean} [unknown] the server did not answer
 */

/** @type {Me} */
let me = { account: "local", roles: [], accounts_enabled: false, unknown: true };
let draw = () => {};

export const who = () => me;

/** Say whether the account has one of these roles. @param {...string} roles */
export const has = (...roles) => roles.some((role) => me.roles.includes(role));

/**
 * Return who is signed in; null: the page shows the sign-in form and loads again after it.
 * @returns {Promise<Me | null>}
 */
export async function start() {
  const answer = await ask("/api/me").catch(() => null);
  if (!answer) return me; // the status line says that nobody answers
  me = answer;
  setToken(answer.csrf);
  draw = me.account === null ? showSigning : showName;
  draw();
  if (me.account === null) return null;
  onSignedOut(() => location.reload());
  return me;
}

export const relabel = () => draw();

function showName() {
  const known = me.accounts_enabled && !me.account?.startsWith("os:");
  byId("account").hidden = !known;
  if (!known) return;
  byId("account").replaceChildren(h("span", { class: "name" }, me.account), quiet(t("sign_out"), signOut));
}

async function signOut() {
  await ask("/api/logout", { body: {} }).catch(() => null);
  location.replace("/");
}

const setupToken = () => /^#setup=([\w-]+)$/.exec(location.hash)?.[1];

function showSigning() {
  const first = Boolean(me.setup_needed);
  const words = first
    ? { title: t("setup_title"), action: t("setup_do") }
    : { title: t("sign_in"), action: t("sign_in") };
  const fault = faultLine();
  const name = nameInput();
  const password = passwordInput(first);
  const form = h(
    "form",
    { class: "panel signing", "aria-labelledby": "signing-title" },
    h("h1", { id: "signing-title" }, words.title),
    first ? h("p", {}, t(setupToken() ? "setup_text" : "setup_no_link")) : null,
    field("name", name),
    field("password", password),
    fault,
    h("button", { class: "primary", type: "submit" }, words.action),
    me.oidc_host && !first ? h("a", { href: "/api/oidc/login" }, t("sign_in_elsewhere", { host: me.oidc_host })) : null,
  );
  onSubmit(form, () => signIn(first, name.value.trim(), password.value, fault));
  byId("view-find").hidden = true;
  document.body.dataset.state = "signing";
  byId("signing").replaceChildren(form);
  name.focus();
}

const nameInput = () =>
  h("input", { name: "username", autocomplete: "username", required: "", maxlength: 64, autocapitalize: "none" });

function passwordInput(first) {
  const rules = first
    ? { autocomplete: "new-password", minlength: 10 }
    : { autocomplete: "current-password", minlength: 1 };
  return h("input", { name: "password", type: "password", required: "", maxlength: 200, ...rules });
}

async function signIn(first, name, password, fault) {
  const body = first ? { token: setupToken() ?? "", name, password } : { name, password };
  try {
    await ask(first ? "/api/setup" : "/api/login", { body });
    location.replace("/");
  } catch (problem) {
    say(fault, signInFault(problem));
  }
}

function signInFault(problem) {
  const text = problemText(problem);
  return { 401: t("wrong_password"), 429: t("wait") }[problem.status] ?? text;
}

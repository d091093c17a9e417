// Who is signed in: the first account, signing in and out. Nothing else of the page starts before that is known.

import { byId, h, say } from "./dom.js";
import { t } from "./i18n.js";
import { ask, onSignedOut, setToken } from "./http.js";

let me = null;
let drawn = () => {};

export const who = () => me;
export const has = (...roles) => roles.some((role) => me.roles.includes(role));

/** Who is there; null: the page shows how to sign in, and loads again when somebody has. */
export async function start() {
  me = await ask("/api/me").catch(() => null);
  if (!me) return { account: "local", roles: [], accounts: false, unknown: true }; // the status line says that nobody answers
  setToken(me.csrf);
  drawn = showSigning;
  if (me.account === null) {
    showSigning();
    return null;
  }
  drawn = showName;
  showName();
  onSignedOut(() => location.reload());
  return me;
}

export const relabel = () => drawn();

function showName() {
  const known = me.accounts && !me.account.startsWith("os:");
  byId("account").hidden = !known;
  if (known) byId("account").replaceChildren(h("span", { class: "name" }, me.account), h("button", { type: "button", class: "quiet", onclick: signOut }, t("sign_out")));
}

async function signOut() {
  await ask("/api/logout", { body: {} }).catch(() => null);
  location.replace("/");
}

const setupToken = () => /^#setup=([\w-]+)$/.exec(location.hash)?.[1];

function showSigning() {
  const first = me.setup;
  const fault = h("p", { class: "fault", role: "alert", hidden: "" });
  const name = h("input", { name: "username", autocomplete: "username", required: "", maxlength: 64, autocapitalize: "none" });
  const password = h("input", { name: "password", type: "password", autocomplete: first ? "new-password" : "current-password", required: "", minlength: first ? 10 : 1, maxlength: 200 });
  const form = h("form", { class: "panel signing", "aria-labelledby": "signing-title" },
    h("h1", { id: "signing-title" }, t(first ? "setup_title" : "sign_in")),
    first ? h("p", {}, t(setupToken() ? "setup_text" : "setup_no_link")) : null,
    labelled(t("name"), name), labelled(t("password"), password), fault,
    h("button", { class: "primary", type: "submit" }, t(first ? "setup_do" : "sign_in")),
    me.oidc && !first ? h("a", { href: "/api/oidc/login" }, t("sign_in_elsewhere", { host: me.oidc })) : null);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(first, name.value.trim(), password.value, fault);
  });
  byId("view-find").hidden = true;
  document.body.dataset.state = "signing";
  byId("signing").replaceChildren(form);
  name.focus();
}

const labelled = (words, field) => h("label", { class: "field" }, h("span", {}, words), field);

async function send(first, name, password, fault) {
  const body = first ? { token: setupToken() ?? "", name, password } : { name, password };
  try {
    await ask(first ? "/api/setup" : "/api/login", { body });
    location.replace("/");
  } catch (problem) {
    const { what, expected, cure } = problem.body ?? {};
    const words = { 0: t("unreachable"), 401: t("wrong_password"), 429: t("wait") }[problem.status];
    say(fault, words ?? [what, expected, cure].filter(Boolean).join(" · "));
  }
}

// The operator's page: starts the views that the roles of the account allow.

import * as accounts from "./admin/accounts.js";
import * as auditLog from "./admin/audit_log.js";
import * as alerts from "./alerts.js";
import * as cameras from "./cameras/live_view.js";
import * as masks from "./cameras/mask_editor.js";
import * as cases from "./cases/case_view.js";
import * as purpose from "./cases/purpose.js";
import { apply, drawLanguages, onLanguage } from "./core/i18n.js";
import * as session from "./core/session.js";
import * as player from "./player/player.js";
import * as router from "./router.js";
import * as search from "./search/search_view.js";
import * as statusBar from "./status_bar.js";

const RELABELLED = [cases, auditLog, accounts, purpose, statusBar, cameras, alerts, search, player];

/** Return the views that these roles may use; the first one is shown at the start. @param {session.Me} me */
function viewsOf(me) {
  const watches = me.unknown || session.has("operator", "supervisor");
  const own = watches ? ["find", "cases", "alerts", "cameras"] : ["cameras"];
  if (session.has("auditor")) own.splice(watches ? own.length : 0, 0, "record");
  if (me.accounts_enabled && session.has("admin")) own.push("people");
  return own;
}

async function start() {
  drawLanguages();
  apply();
  onLanguage(session.relabel);
  router.listen();
  search.listen();
  const me = await session.start();
  if (!me) return;
  const views = viewsOf(me);
  if (views.includes("find")) await purpose.start(me);
  begin(views);
}

function begin(views) {
  cases.start(search.showResult);
  player.start();
  cameras.start();
  masks.start();
  router.start(views, (view, caseId) => {
    cameras.show(view === "cameras");
    alerts.show(view === "alerts");
    cases.show(view === "cases", caseId);
    auditLog.show(view === "record");
    accounts.show(view === "people");
  });
  if (views.includes("alerts")) alerts.start();
  onLanguage(() => RELABELLED.forEach((view) => view.relabel()));
  search.start();
  statusBar.watch(search.onNews);
}

start();

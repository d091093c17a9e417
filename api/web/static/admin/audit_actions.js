// What each action of the record is called. The record's own word stands beside it: that is what is filtered by.

import { language } from "../core/i18n.js";

const WORDS = {
  "search": ["Searched", "搜索"], "search.page": ["More results", "查看更多结果"], "shown": ["Results shown", "显示结果"],
  "view.clip": ["Played a clip", "播放片段"], "view.thumbnail": ["Saw a picture", "查看图片"], "view.tracks": ["Saw where somebody walked", "查看人物位置"],
  "view.now": ["Saw a live picture", "查看实时画面"],
  "case.list": ["Saw the cases", "查看案件列表"], "case.new": ["Opened a case", "新建案件"], "case.view": ["Saw a case", "查看案件"],
  "case.change": ["Changed a case", "修改案件"], "case.delete": ["Deleted a case", "删除案件"], "case.search": ["Searched for a case", "按案件搜索"],
  "case.follow": ["Followed a sighting", "追踪发现"], "case.mark": ["Marked a clip", "标记片段"], "case.unmark": ["Took a mark back", "撤销标记"],
  "case.sighting": ["Confirmed a sighting", "确认发现"], "case.withdraw": ["Withdrew a sighting", "撤回发现"], "case.trail": ["Saw a trail", "查看行踪"],
  "case.map": ["Saw a map", "查看行踪地图"], "case.photo": ["Saw a photo", "查看照片"], "case.still": ["Saw a sighting's picture", "查看发现的图片"],
  "case.people": ["Saw whose case it is", "查看案件归属"], "case.share": ["Shared or handed over", "共享或移交"], "evidence.export": ["Exported evidence", "导出证据"],
  "evidence.sign": ["Signed evidence", "签名证据"],
  "standing.list": ["Saw the standing searches", "查看布控列表"], "standing.new": ["New standing search", "新建布控"], "standing.preview": ["Tried a standing search", "试算布控"],
  "standing.view": ["Saw a standing search", "查看布控"], "standing.change": ["Changed a standing search", "修改布控"], "standing.delete": ["Deleted a standing search", "删除布控"],
  "standing.test": ["Tested a webhook", "测试回调"], "alert.view": ["Saw alerts", "查看警报"], "alert.judge": ["Judged an alert", "判断警报"],
  "camera.masks": ["Drew masks", "修改遮挡"], "index.check": ["Checked the index", "检查索引"],
  "index.again": ["Began a new index", "开始重建索引"], "index.switch": ["Switched the index", "切换索引"], "index.rollback": ["Switched the index back", "切回索引"], "index.drop": ["Dropped an index", "删除索引"],
  "login": ["Signed in", "登录"], "login.oidc": ["Signed in elsewhere", "统一登录"], "logout": ["Signed out", "退出"], "account.first": ["First account", "首个账户"],
  "account.password": ["Changed a password", "修改密码"], "account.list": ["Saw the accounts", "查看账户"], "account.new": ["New account", "新建账户"],
  "account.change": ["Changed an account", "修改账户"], "key.list": ["Saw the keys", "查看密钥"], "key.new": ["New key", "新建密钥"], "key.remove": ["Removed a key", "删除密钥"],
  "approval.ask": ["Asked for a wide search", "申请大范围搜索"], "approval.judge": ["Judged a wide search", "审批大范围搜索"],
  "audit.list": ["Read the record", "查阅记录"], "audit.verify": ["Checked the chain", "校验记录"], "refused": ["Refused", "拒绝"],
};

/** The words for an action; commands are recorded as they are typed. */
export function words(action) {
  const known = WORDS[action];
  return known ? known[language() === "zh" ? 1 : 0] : action;
}

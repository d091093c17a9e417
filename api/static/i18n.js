// The page's words in both languages, and how they get onto it.

const TEXTS = {
  en: {
    skip: "Skip to the results", language: "Language", title: "Who are you looking for?",
    placeholder: "Clothes, colours, things carried", search: "Search",
    examples: "Examples", example_prefix: "Try",
    filters: "Cameras and time", cameras: "Cameras", camera_filter: "Find a camera", no_recording: "nothing recorded", all_cameras: "All",
    time: "Time", from: "from", to: "to", any_time: "All recordings",
    recorded: "Recorded {span}. Your time zone: {zone}.",
    results: "Results", others: "Nearest others, unlikely", more: "Show more",
    leads: "Results are leads for a person to check, not proof.",
    match: "Match", maybe: "Maybe", nothing: "Unlikely",
    found_one: "1 clip matches", found: "{n} clips match",
    found_more: "and {n} more may show the person",
    maybe_one: "No sure match. 1 clip may show the person.", maybe_found: "No sure match. {n} clips may show the person.",
    nothing_found: "Nothing found", nothing_near: "The nearest clips are shown below. They are unlikely to be the person.",
    nothing_tips: "Say less: one garment and its colour. Or look at all cameras and times.",
    none_filtered: "Nothing was recorded by these cameras in this time.",
    weak: "The model is often wrong about: {words}. Look at clips without them, too.", word_comma: ", ",
    clear: "Search all cameras and times", searched: "{rows} pictures searched in {time}",
    score: "score", score_help: "How far it stands above the rest of the index",
    rank: "No. {rank}", whole: "whole picture", play: "Play", no_picture: "no picture",
    close: "Close", previous: "Previous", next: "Next", moment: "Best moment", restart: "From the start",
    keys: "← → other clips · B best moment · space pauses · Esc closes",
    preparing: "Preparing the clip…", unplayable: "This clip cannot be played",
    of: "{rank} of {n}", camera: "Camera", best_time: "Best moment", clip_time: "Clip", file: "Recording",
    clock: "Clock from", verdict: "Verdict",
    searching: "Searching…", empty_sentence: "Describe the person first, e.g. a man in a red coat.",
    long_sentence: "The sentence is too long: {n} characters, at most {most}.", bad_range: "The time ends before it starts.",
    error_title: "The search failed", refused_title: "This search is not possible",
    got: "Got", expected: "Expected", cure: "What to do",
    unreachable: "The server does not answer", unreachable_cure: "Check that `xunren serve` is running, then search again.",
    again: "Try again",
    empty_title: "No recordings yet", empty_text: "Put recordings into the index, on the machine that runs this page:",
    empty_indexing: "Indexing has begun. Pictures can be searched as soon as the first recording is done.",
    ready: "Ready", rows: "{n} pictures", rows_one: "1 picture", camera_count: "{n} cameras", camera_one: "1 camera",
    indexing: "Indexing {done} of {all} recordings", model: "model {name}",
    refused: "{n} files not indexed", refused_one: "1 file not indexed", refused_more: "and {n} more",
    skipped: "{n} recordings could not be read: `xunren status` names them",
    given: "given", container: "the file itself", filename: "the file's name", mtime: "the file's modification time",
  },
  zh: {
    skip: "跳到结果", language: "语言", title: "要找什么样的人？",
    placeholder: "衣着、颜色、携带的物品", search: "搜索",
    examples: "示例", example_prefix: "试试",
    filters: "摄像头和时间", cameras: "摄像头", camera_filter: "查找摄像头", no_recording: "无录像", all_cameras: "全部",
    time: "时间", from: "从", to: "到", any_time: "全部录像",
    recorded: "已有录像：{span}。时区：{zone}。",
    results: "结果", others: "其余最接近的画面，不太像", more: "显示更多",
    leads: "结果只是线索，须由人核实，不能作为证明。",
    match: "相符", maybe: "可能", nothing: "不太像",
    found_one: "找到 1 段相符的录像", found: "找到 {n} 段相符的录像",
    found_more: "另有 {n} 段可能是",
    maybe_one: "没有确定相符的，有 1 段可能是。", maybe_found: "没有确定相符的，有 {n} 段可能是。",
    nothing_found: "没有找到", nothing_near: "下面是最接近的画面，但不太像要找的人。",
    nothing_tips: "可以说得简单些：一件衣服和它的颜色；或者查看全部摄像头和时间。",
    none_filtered: "所选摄像头在这段时间内没有录像。",
    weak: "模型常常认错：{words}。这些特征不符的片段也请看一看。", word_comma: "、",
    clear: "搜索全部摄像头和时间", searched: "共查 {rows} 幅画面，用时 {time}",
    score: "得分", score_help: "高出索引中其他画面的程度",
    rank: "第 {rank} 名", whole: "整幅画面", play: "播放", no_picture: "无画面",
    close: "关闭", previous: "上一段", next: "下一段", moment: "最佳时刻", restart: "从头播放",
    keys: "← → 切换录像 · B 最佳时刻 · 空格暂停 · Esc 关闭",
    preparing: "正在准备录像…", unplayable: "这段录像无法播放",
    of: "第 {rank} 段，共 {n} 段", camera: "摄像头", best_time: "最佳时刻", clip_time: "片段", file: "录像文件",
    clock: "时间依据", verdict: "判断",
    searching: "正在搜索…", empty_sentence: "请先描述要找的人，例如：穿红色外套的男子。",
    long_sentence: "句子太长：{n} 个字符，最多 {most} 个。", bad_range: "结束时间早于开始时间。",
    error_title: "搜索失败", refused_title: "无法这样搜索",
    got: "收到", expected: "应为", cure: "怎么办",
    unreachable: "服务器没有响应", unreachable_cure: "请确认 `xunren serve` 正在运行，然后再搜索一次。",
    again: "重试",
    empty_title: "还没有录像", empty_text: "请在运行本页面的机器上把录像加入索引：",
    empty_indexing: "正在建立索引。第一段录像完成后即可搜索。",
    ready: "就绪", rows: "{n} 幅画面", rows_one: "1 幅画面", camera_count: "{n} 个摄像头", camera_one: "1 个摄像头",
    indexing: "正在索引录像：已完成 {done}，共 {all}", model: "模型 {name}",
    refused: "{n} 个文件未能索引", refused_one: "1 个文件未能索引", refused_more: "另有 {n} 个",
    skipped: "{n} 段录像无法读取：用 `xunren status` 查看",
    given: "人工指定", container: "文件内的记录", filename: "文件名", mtime: "文件修改时间",
  },
};

const LOCALES = { en: "en-GB", zh: "zh-CN" };
const KEY = "xunren.language";
const listeners = [];
let current = remembered() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

function remembered() {
  try {
    const stored = localStorage.getItem(KEY);
    return stored in TEXTS ? stored : null;
  } catch {
    return null; // storage is switched off: the browser's language it is
  }
}

export const language = () => current;
export const onLanguage = (listener) => listeners.push(listener);

/** The words for `key`, with {names} filled in. */
export function t(key, values = {}) {
  return TEXTS[current][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** `key` for many, `one` for a single one. */
export const count = (n, key, one) => (n === 1 ? t(one) : t(key, { n: number(n) }));

export const number = (n) => new Intl.NumberFormat(LOCALES[current]).format(n);
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

const SHORT_MS = 600_000;
const DAY = { month: "short", day: "numeric" };
const MINUTE = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const SECOND = { ...MINUTE, second: "2-digit" };
const format = (ms, options) => new Intl.DateTimeFormat(LOCALES[current], options).format(ms);
const year = (ms) => (new Date(ms).getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" });

export const clockTime = (ms) => format(ms, SECOND);
export const dayTime = (ms) => `${format(ms, { ...DAY, ...year(ms) })} ${format(ms, SECOND)}`;
export const dayMinute = (ms) => `${format(ms, { ...DAY, ...year(ms) })} ${format(ms, MINUTE)}`;

/** A span in few words: seconds only where it is short, the day of its end only where it is another day. */
export function span(from, to) {
  const [whole, clock] = to - from < SHORT_MS ? [dayTime, SECOND] : [dayMinute, MINUTE];
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${whole(from)} – ${sameDay ? format(to, clock) : whole(to)}`;
}

/** The same without the day, where the page says the day elsewhere. */
export function clockSpan(from, to) {
  const clock = to - from < SHORT_MS ? SECOND : MINUTE;
  return `${format(from, clock)} – ${format(to, clock)}`;
}

export function setLanguage(next) {
  current = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // not remembered, but switched
  }
  apply();
  listeners.forEach((listener) => listener());
}

/** Put the words onto everything that is marked with data-t, data-t-label or data-t-placeholder. */
export function apply() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
  for (const node of document.querySelectorAll("[data-language]")) {
    node.setAttribute("aria-pressed", String(node.dataset.language === current));
  }
}

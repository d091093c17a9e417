// The page's words in both languages, and how they get onto it.

const TEXTS = {
  en: {
    view_cases: "Cases", view_record: "Record", view_people: "People",
    sign_in: "Sign in", sign_out: "Sign out", sign_in_elsewhere: "Sign in at {host}", elsewhere: "signs in elsewhere", no_password: "No password: signs in at {host}", name: "Name", password: "Password",
    setup_title: "The first account", setup_text: "It may do everything: make the other accounts with it. Take a password of at least 10 characters.",
    setup_no_link: "Nobody has an account yet. Open the link that `xunren serve` printed when it started.", setup_do: "Make the account",
    wrong_password: "Name or password is wrong.", wait: "Too many wrong passwords. Wait a little, then try again.",
    for_case: "For case", why: "Reason", why_hint: "such as the number of the report", choose_case: "Choose a case", no_case: "No open case yet",
    need_case: "Choose the case that this search is for, or open one under Cases.", need_reason: "Say why you search; it goes into the record.",
    no_cases: "No case yet. Open one for the person who is missing.", new_case: "New case", open_case: "Open the case", looks_like: "Looks like",
    last_place: "Last seen where", place_hint: "in words", last_time: "Last seen when", last_seen: "Last seen", never_seen: "not known", closed: "closed",
    all_cases: "← All cases", sightings_n: "{n} sightings", photo_of: "Photo of {name}", search_case: "Search for this person", follow: "Follow the last sighting",
    follow_this: "Follow", close_case: "Close the case", reopen_case: "Open it again", trail: "Trail", no_sightings: "No sighting is confirmed yet.",
    too_far: "Too far from the one before for the time between", evidence: "Evidence (signed ZIP)", evidence_making: "Reading and signing…", evidence_done: "Saved", withdraw: "Not a sighting",
    no_map: "No camera of the trail has a place on the map yet.", map_of: "Map of the trail, {n} places", notes: "Notes", save: "Save",
    whose: "Whose case", owner_is: "{name} has it", also: "also {names}", nobody: "nobody", account: "Account", share: "Share", hand_over: "Hand over",
    masks: "Masks", masks_of: "Masks of {camera}", masks_n: "{n} masks", masks_close: "Close the shape", masks_undo: "Take back", masks_drawing: "Masks over the picture",
    masks_hint: "Click the corners of what nobody may see; click the first one again to close the shape. It is black from now on, in new recordings and in every clip.",
    watch_on: "Alert me from now on", watching: "Standing search {n} is saved; about {rate} false alarms a day are expected.",
    sighting: "Sighting (s)", is_sighting: "Kept as sighting {n} of case {id}",
    too_wide: "A search of all cameras over so long a time needs a supervisor's approval.", too_wide_cure: "Name a time or some cameras, or ask for approval. In danger to life go on at once; it is reviewed later.",
    ask_supervisor: "Ask a supervisor", danger: "Danger to life: search now", approval_sent: "A supervisor was asked. Search again when it is granted.",
    wide_searches: "Wide searches", waiting: "waiting", to_review: "to be reviewed", granted: "granted", not_granted: "refused", danger_short: "danger to life", wide: "wide", grant: "Grant", refuse: "Refuse",
    record_title: "The record", by_account: "Account", by_case: "Case", by_action: "Action", look_up: "Look up", check_record: "Check the chain", checking: "Checking…",
    record_whole: "Whole: {n} entries, none changed, removed or moved.", entry: "Entry", when: "When", answer: "Answer", details: "What", clips_n: "{n} clips", address: "Address", hash: "Hash", hash_before: "Hash of the entry before",
    everything: "Everything", nothing_to_see: "nothing", hours_back: "{n} hours back", role_operator: "Operator", role_supervisor: "Supervisor", role_auditor: "Auditor", role_admin: "Administrator",
    locked_out: "locked out", lock_out: "Lock out", let_in: "Let in", new_account: "New account", roles: "Roles", may_see: "May see", districts: "Districts (with commas)", make_account: "Make the account",
    view_alerts: "Alerts", alerts_title: "Alerts of the standing searches", alert_right: "Right", alert_wrong: "Wrong",
    alerts_empty: "No alert yet. A standing search raises one when somebody who fits is seen:",
    add_photo: "Photo", wish: "What is looked for", remove: "remove", put_back: "{words}: use again", undo: "Undo (z)", by_time: "In order of time",
    liked: "{n} like the person", unliked: "{n} left out", like: "This is the person (y)", unlike: "Not the person (n)",
    unclear: "Not understood, and left out: {words}. Choose cameras and time below.",
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
    keys: "← → other clips · B best moment · , . picture by picture · space pauses · Esc closes",
    preparing: "Preparing the clip…", unplayable: "This clip cannot be played",
    choose_part: "Choose the part that shows the person", box_hint: "Draw a box around the person. With the keyboard: arrows move it, Shift and arrows change its size.",
    box_drawing: "Photo with a box; arrows move it", box_use: "Search with this part", box_whole: "With the whole photo",
    around: "Same time on", same_time: "Same time", not_recorded_then: "Nothing was recorded there at this time", away: "Away",
    of: "{rank} of {n}", camera: "Camera", best_time: "Best moment", clip_time: "Clip", file: "Recording",
    clock: "Clock from", verdict: "Verdict",
    searching: "Searching…", empty_sentence: "Describe the person first, e.g. a man in a red coat.",
    long_sentence: "The sentence is too long: {n} characters, at most {most}.", bad_range: "The time ends before it starts.",
    error_title: "The search failed", refused_title: "This search is not possible",
    got: "Got", expected: "Expected", cure: "What to do",
    not_by: "This is not searched for: {reason}.", not_by_expected: "Clothing, things carried, age, sex, hair, build, what the person does.",
    not_by_cure: "Leave these words out and describe what is seen, e.g. the garment and its colour.",
    r_ethnicity: "nobody is looked for by descent, nationality or skin colour", r_religion: "nobody is looked for by faith or worship",
    r_politics: "nobody is looked for by opinion, party or petition",
    r_protest: "nobody is looked for because they take part in a protest, a strike or an assembly",
    r_intimate: "nobody is looked for by nakedness, underwear, sexual looks or sexual life",
    unreachable: "The server does not answer", unreachable_cure: "Check that `xunren serve` is running, then search again.",
    again: "Try again",
    empty_title: "No recordings yet", empty_text: "Put recordings into the index, on the machine that runs this page:",
    empty_indexing: "Indexing has begun. Pictures can be searched as soon as the first recording is done.",
    ready: "Ready", rows: "{n} pictures", rows_one: "1 picture", camera_count: "{n} cameras", camera_one: "1 camera",
    indexing: "Indexing {done} of {all} recordings", model: "model {name}",
    refused: "{n} files not indexed", refused_one: "1 file not indexed", refused_more: "and {n} more",
    skipped: "{n} recordings could not be read: `xunren status` names them",
    views: "Views", view_find: "Find", view_cameras: "Cameras",
    gap_cameras: "{with} of {all} cameras have gaps in this range ({span})",
    gap_cameras_one: "This camera has gaps in this range ({span})",
    gap_why: "What the cameras did not record or is not indexed yet was not searched:",
    gap_more: "and {n} more", gap_behind: "The newest recordings are not indexed yet: {time} behind.",
    live_title: "Live cameras", live_empty_title: "No live camera yet",
    live_empty: "Add one on the machine that runs this page. It is recorded and indexed from then on.",
    live_summary: "{up} of {all} streams recording", live_free: "{n} GiB free", live_waits: "{time} wait to be indexed",
    live_none: "No camera fits.", live_old: "The server does not answer. This is how it was at {time}.",
    alarm_recorder: "The recorder is not running: nothing is being recorded. Start `xunren serve` or `xunren record`.",
    alarm_full: "Recording has stopped: the disk is full ({n} GiB free). Make room; it goes on by itself.",
    alarm_nearly: "The disk is nearly full: {n} GiB free.",
    alarm_cameras: "{n} of {all} cameras are not being recorded.",
    alarm_lag: "Indexing is behind: the newest recordings are searched later.",
    fact_age: "Last picture", fact_rate: "Rate", per_second: "{n} pictures/s", fact_lag: "Index behind", fact_again: "Reconnects",
    fact_jumps: "Clock jumps", fact_stream: "Stream", fact_kept: "Kept stream", ago: "{time} ago", never: "never",
    now_of: "{camera}, {time}", today: "Today, hour by hour", no_hours: "Nothing was expected yet today.",
    hour_line: "{span}: {words}", all_recorded: "all recorded", none_recorded: "nothing recorded", recorded_part: "{time} recorded", missing_part: "missing {time}: {reason}",
    unindexed_part: "not indexed {time}: {reason}", day_line: "Today: {words}", not_expected: "not expected",
    key_indexed: "recorded", key_late: "recorded, not indexed", key_lost: "missing",
    w_recording: "recording", w_connecting: "connecting", w_no_frames: "no pictures", w_wrong_password: "wrong password",
    w_wrong_address: "wrong address", w_unreachable: "unreachable", w_disk_full: "disk full", w_stopped: "stopped",
    w_recorder_not_running: "recorder not running", w_not_connected: "not connected", w_clock_jump: "clock jump",
    w_not_recorded_yet: "not recorded yet", w_deleted_by_retention: "deleted by retention", w_waiting: "waiting to be indexed",
    w_undecodable: "cannot be decoded", w_unexplained: "unexplained",
    given: "given", container: "the file itself", filename: "the file's name", mtime: "the file's modification time",
  },
  zh: {
    view_cases: "案件", view_record: "记录", view_people: "账号",
    sign_in: "登录", sign_out: "退出", sign_in_elsewhere: "到 {host} 登录", elsewhere: "到别处登录", no_password: "不设密码：在 {host} 登录", name: "姓名", password: "密码",
    setup_title: "第一个账号", setup_text: "它什么都能做：请用它建立其他账号。密码至少 10 个字符。",
    setup_no_link: "还没有人有账号。请打开 `xunren serve` 启动时显示的链接。", setup_do: "建立账号",
    wrong_password: "姓名或密码不对。", wait: "密码错误次数太多，请稍等再试。",
    for_case: "案件", why: "理由", why_hint: "例如报案编号", choose_case: "请选择案件", no_case: "还没有未结案件",
    need_case: "请选择这次搜索所属的案件，或在“案件”里新建。", need_reason: "请写明搜索理由，它会进入记录。",
    no_cases: "还没有案件。请为走失的人新建一个。", new_case: "新案件", open_case: "立案", looks_like: "外貌",
    last_place: "最后出现地点", place_hint: "用文字说明", last_time: "最后出现时间", last_seen: "最后出现", never_seen: "不详", closed: "已结",
    all_cases: "← 全部案件", sightings_n: "{n} 次发现", photo_of: "{name} 的照片", search_case: "搜索此人", follow: "从最后一次发现追踪",
    follow_this: "追踪", close_case: "结案", reopen_case: "重新打开", trail: "行踪", no_sightings: "还没有确认的发现。",
    too_far: "与前一处距离太远，时间来不及", evidence: "证据（签名 ZIP）", evidence_making: "正在读取并签名…", evidence_done: "已保存", withdraw: "不是此人",
    no_map: "行踪中的摄像头还没有坐标。", map_of: "行踪地图，共 {n} 处", notes: "备注", save: "保存",
    whose: "案件归属", owner_is: "由 {name} 负责", also: "还有 {names}", nobody: "无人", account: "账号", share: "共享", hand_over: "移交",
    masks: "遮挡", masks_of: "{camera} 的隐私遮挡", masks_n: "{n} 块遮挡", masks_close: "闭合", masks_undo: "撤回", masks_drawing: "画面上的遮挡",
    masks_hint: "依次点击不应被看到的区域的各个角，再点第一个角闭合。从现在起，新录像和所有片段中该区域均为黑色。",
    watch_on: "持续布控", watching: "布控 {n} 已保存；预计每天约 {rate} 次误报。",
    sighting: "确认发现 (s)", is_sighting: "已记为案件 {id} 的第 {n} 次发现",
    too_wide: "在这么长的时间里搜索全部摄像头，需要主管批准。", too_wide_cure: "请限定时间或摄像头，或申请批准。有生命危险时可立即搜索，事后复核。",
    ask_supervisor: "请主管批准", danger: "有生命危险：立即搜索", approval_sent: "已请主管批准。批准后请再搜索一次。",
    wide_searches: "大范围搜索", waiting: "等待中", to_review: "待复核", granted: "已批准", not_granted: "未批准", danger_short: "生命危险", wide: "大范围", grant: "批准", refuse: "不批准",
    record_title: "记录", by_account: "账号", by_case: "案件", by_action: "操作", look_up: "查询", check_record: "检查链条", checking: "正在检查…",
    record_whole: "完整：{n} 条，没有被改动、删除或移动的。", entry: "编号", when: "时间", answer: "结果", details: "内容", clips_n: "{n} 个片段", address: "地址", hash: "哈希", hash_before: "上一条的哈希",
    everything: "全部", nothing_to_see: "无", hours_back: "最近 {n} 小时", role_operator: "操作员", role_supervisor: "主管", role_auditor: "审计员", role_admin: "管理员",
    locked_out: "已停用", lock_out: "停用", let_in: "启用", new_account: "新账号", roles: "角色", may_see: "可见范围", districts: "辖区（用逗号分开）", make_account: "建立账号",
    view_alerts: "布控", alerts_title: "布控告警", alert_right: "正确", alert_wrong: "误报",
    alerts_empty: "尚无告警。布控搜索在发现相符的人时告警：",
    add_photo: "照片", wish: "搜索条件", remove: "移除", put_back: "{words}：重新使用", undo: "撤销 (z)", by_time: "按时间排序",
    liked: "{n} 段像此人", unliked: "{n} 段已排除", like: "就是此人 (y)", unlike: "不是此人 (n)",
    unclear: "未能理解，未使用：{words}。请在下面选择摄像头和时间。",
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
    keys: "← → 切换录像 · B 最佳时刻 · , . 逐帧 · 空格暂停 · Esc 关闭",
    preparing: "正在准备录像…", unplayable: "这段录像无法播放",
    choose_part: "选择照片中此人所在的部分", box_hint: "用方框框住此人。键盘：方向键移动，Shift 加方向键改变大小。",
    box_drawing: "带方框的照片；用方向键移动", box_use: "用这部分搜索", box_whole: "用整张照片",
    around: "同一时间的其他摄像头", same_time: "同一时间", not_recorded_then: "那里当时没有录像", away: "距离",
    of: "第 {rank} 段，共 {n} 段", camera: "摄像头", best_time: "最佳时刻", clip_time: "片段", file: "录像文件",
    clock: "时间依据", verdict: "判断",
    searching: "正在搜索…", empty_sentence: "请先描述要找的人，例如：穿红色外套的男子。",
    long_sentence: "句子太长：{n} 个字符，最多 {most} 个。", bad_range: "结束时间早于开始时间。",
    error_title: "搜索失败", refused_title: "无法这样搜索",
    got: "收到", expected: "应为", cure: "怎么办",
    not_by: "不能这样搜索：{reason}。", not_by_expected: "衣着、携带的物品、年龄、性别、头发、体型、正在做什么。",
    not_by_cure: "请去掉这些词，描述看得见的特征，例如衣服和颜色。",
    r_ethnicity: "不按族裔、国籍、血统或肤色找人", r_religion: "不按宗教信仰或礼拜活动找人",
    r_politics: "不按政治观点、党派或上访活动找人", r_protest: "不按参加抗议、罢工、集会找人",
    r_intimate: "不按裸露、内衣、性感或性生活找人",
    unreachable: "服务器没有响应", unreachable_cure: "请确认 `xunren serve` 正在运行，然后再搜索一次。",
    again: "重试",
    empty_title: "还没有录像", empty_text: "请在运行本页面的机器上把录像加入索引：",
    empty_indexing: "正在建立索引。第一段录像完成后即可搜索。",
    ready: "就绪", rows: "{n} 幅画面", rows_one: "1 幅画面", camera_count: "{n} 个摄像头", camera_one: "1 个摄像头",
    indexing: "正在索引录像：已完成 {done}，共 {all}", model: "模型 {name}",
    refused: "{n} 个文件未能索引", refused_one: "1 个文件未能索引", refused_more: "另有 {n} 个",
    skipped: "{n} 段录像无法读取：用 `xunren status` 查看",
    views: "页面", view_find: "找人", view_cameras: "摄像头",
    gap_cameras: "{all} 个摄像头中有 {with} 个在这段时间内有缺失（{span}）",
    gap_cameras_one: "这个摄像头在这段时间内有缺失（{span}）",
    gap_why: "以下时间没有录像或尚未索引，没有查过：",
    gap_more: "另有 {n} 处", gap_behind: "最新的录像尚未索引：落后 {time}。",
    live_title: "实时摄像头", live_empty_title: "还没有实时摄像头",
    live_empty: "请在运行本页面的机器上添加。添加后即开始录像和索引。",
    live_summary: "{all} 路码流中 {up} 路正在录像", live_free: "剩余 {n} GiB", live_waits: "{time} 待索引",
    live_none: "没有符合的摄像头。", live_old: "服务器没有响应。以下是 {time} 的情况。",
    alarm_recorder: "录像程序没有运行，没有任何录像。请启动 `xunren serve` 或 `xunren record`。",
    alarm_full: "磁盘已满，录像已停止（剩余 {n} GiB）。腾出空间后会自动恢复。",
    alarm_nearly: "磁盘快满了：剩余 {n} GiB。",
    alarm_cameras: "{all} 个摄像头中有 {n} 个没有在录像。",
    alarm_lag: "索引落后：最新的录像稍后才能搜到。",
    fact_age: "最近画面", fact_rate: "速率", per_second: "{n} 帧/秒", fact_lag: "索引落后", fact_again: "重连次数",
    fact_jumps: "时钟跳变", fact_stream: "码流", fact_kept: "留存码流", ago: "{time}前", never: "从未",
    now_of: "{camera}，{time}", today: "今天每小时", no_hours: "今天还没有应录的时间。",
    hour_line: "{span}：{words}", all_recorded: "全部已录", none_recorded: "没有录像", recorded_part: "已录 {time}", missing_part: "缺失 {time}：{reason}",
    unindexed_part: "未索引 {time}：{reason}", day_line: "今天：{words}", not_expected: "不在应录时间内",
    key_indexed: "已录", key_late: "已录，未索引", key_lost: "缺失",
    w_recording: "正在录像", w_connecting: "正在连接", w_no_frames: "没有画面", w_wrong_password: "密码错误",
    w_wrong_address: "地址错误", w_unreachable: "无法连接", w_disk_full: "磁盘已满", w_stopped: "已停止",
    w_recorder_not_running: "录像程序没有运行", w_not_connected: "没有连接", w_clock_jump: "时钟跳变",
    w_not_recorded_yet: "尚未开始录像", w_deleted_by_retention: "已按保存期限删除", w_waiting: "等待索引",
    w_undecodable: "无法解码", w_unexplained: "原因不明",
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

/** The words for a state or a reason of the server; one that the page does not know comes as it is. */
export const word = (name) => TEXTS[current][`w_${name.replaceAll(" ", "_")}`] ?? name;

/** Why a rule refuses a sentence; undefined for a rule that the page does not know. */
export const reasonOf = (rule) => TEXTS[current][`r_${rule}`];

/** A length of time in few words, such as 8 s, 12 min, 3 h 5 min. */
export function length(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return unit(seconds < 9.95 ? Math.round(seconds * 10) / 10 : whole, "second");
  if (whole < 600 && whole % 60) return `${unit(Math.floor(whole / 60), "minute")} ${unit(whole % 60, "second")}`;
  if (whole < 3600) return unit(Math.round(whole / 60), "minute");
  const minutes = Math.round(whole / 60);
  return minutes % 60 ? `${unit(Math.floor(minutes / 60), "hour")} ${unit(minutes % 60, "minute")}` : unit(minutes / 60, "hour");
}

const unit = (n, name) => new Intl.NumberFormat(LOCALES[current], { style: "unit", unit: name, unitDisplay: "short" }).format(n);

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

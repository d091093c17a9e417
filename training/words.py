"""The words for each attribute in both languages: the hand-written synonyms that sentences draw from."""

from __future__ import annotations

Words = dict[str, tuple[str, ...]]

COLOUR_EN: Words = {
    "black": ("jet black", "dark", "black",), "white": ("off-white", "snow white", "white",), "grey": ("dark grey", "light grey", "silver", "grey", "gray"), "red": ("burgundy", "maroon", "red", "red", "bright red", "scarlet", "dark red", "crimson"),
    "blue": ("cobalt", "bright blue", "blue", "blue", "royal blue"), "navy": ("deep blue", "midnight blue", "navy", "navy blue", "dark blue"), "light blue": ("light blue", "sky blue", "pale blue"),
    "green": ("bright green", "lime green", "green",), "yellow": ("yellow", "golden yellow"), "orange": ("orange",), "pink": ("hot pink", "magenta", "pink", "rose"), "purple": ("lilac", "mauve", "purple", "violet"),
    "brown": ("chestnut", "dark brown", "brown", "coffee coloured"), "beige": ("camel", "sand coloured", "beige", "khaki", "cream", "tan"), "dark green": ("camouflage", "forest green", "dark green", "olive", "army green"),
}  # fmt: skip
COLOUR_ZH: Words = {
    "black": ("漆黑", "黑颜色", "乌黑", "黑色", "黑", "黑色的", "深黑色"), "white": ("纯白", "雪白", "白颜色", "白色", "白", "白色的"), "grey": ("深灰色", "浅灰色", "银灰色", "灰颜色", "灰色", "灰", "灰色的"),
    "red": ("酒红色", "朱红色", "深红色", "红色", "红", "大红色", "红色的", "鲜红色", "暗红色", "枣红色"), "blue": ("湛蓝", "天空蓝", "蓝色", "蓝", "蓝色的", "宝蓝色"), "navy": ("海军蓝", "靛蓝", "深蓝色", "藏青色", "藏蓝色", "深蓝"),
    "light blue": ("湖蓝色", "粉蓝色", "浅蓝色", "天蓝色", "淡蓝色", "浅蓝"), "green": ("翠绿色", "浅绿色", "果绿色", "绿色", "绿", "绿色的", "草绿色"), "yellow": ("金黄色", "柠檬黄", "鹅黄色", "黄色", "黄", "黄色的", "明黄色"),
    "orange": ("橙色", "橘色", "橙", "橘红色", "橘黄色"), "pink": ("桃红色", "浅粉色", "粉色", "粉红色", "粉", "玫红色"), "purple": ("紫罗兰色", "深紫色", "浅紫色", "紫色", "紫", "紫色的"),
    "brown": ("棕褐色", "深棕色", "巧克力色", "棕色", "褐色", "咖啡色", "棕"), "beige": ("驼色", "杏色", "奶白色", "土黄色", "米色", "卡其色", "米黄色", "浅褐色", "米白色"), "dark green": ("橄榄绿", "迷彩", "墨绿色", "深绿色", "军绿色"),
}  # fmt: skip
UPPER_EN: Words = {
    "t-shirt": ("t-shirt", "tee", "short-sleeved top", "short sleeve shirt"), "shirt": ("shirt", "blouse", "button-up shirt"),
    "sweater": ("sweater", "jumper", "pullover", "sweatshirt", "knitwear", "cardigan"), "hoodie": ("hoodie", "hooded sweatshirt", "hooded top"),
    "jacket": ("bomber jacket", "leather jacket", "sports jacket", "jacket", "short jacket", "jacket", "windbreaker"), "coat": ("winter coat", "raincoat", "coat", "long coat", "overcoat", "trench coat"),
    "down jacket": ("down jacket", "puffer jacket", "padded coat", "parka"), "suit": ("suit", "suit jacket", "blazer"),
    "vest": ("safety vest", "gilet", "tank top", "vest", "waistcoat", "sleeveless jacket"), "dress": ("dress", "frock", "gown"),
}  # fmt: skip
UPPER_ZH: Words = {
    "t-shirt": ("短袖衫", "体恤", "T恤", "短袖", "短袖上衣", "半袖"), "shirt": ("衬衫", "衬衣", "长袖衬衫"), "sweater": ("毛线衣", "打底衫", "毛衣", "针织衫", "套头衫", "线衣", "开衫"),
    "hoodie": ("卫衣", "连帽衫", "帽衫", "带帽卫衣"), "jacket": ("皮夹克", "运动外套", "冲锋衣", "牛仔外套", "夹克", "夹克衫", "短外套", "风衣外套"), "coat": ("长款外套", "棉大衣", "军大衣", "大衣", "长大衣", "风衣", "长外套", "呢子大衣"),
    "down jacket": ("厚棉袄", "棉服", "羽绒服", "棉袄", "棉衣", "羽绒外套"), "suit": ("西装", "西服", "正装"), "vest": ("反光背心", "无袖上衣", "马甲", "背心", "坎肩"),
    "dress": ("长裙子", "旗袍", "连衣裙", "裙子", "长裙"),
}  # fmt: skip
OUTER = ("jacket", "coat", "down jacket", "suit")
LOWER_EN: Words = {
    "trousers": ("chinos", "sweatpants", "joggers", "trousers", "pants", "slacks"), "jeans": ("jeans", "denim trousers", "denims"), "shorts": ("shorts", "short trousers"),
    "skirt": ("skirt",), "leggings": ("leggings", "tights"),
}  # fmt: skip
LOWER_ZH: Words = {
    "trousers": ("西裤", "休闲裤", "运动裤", "工装裤", "裤子", "长裤", "裤"), "jeans": ("牛仔裤", "牛仔长裤"), "shorts": ("沙滩裤", "热裤", "短裤", "五分裤"), "skirt": ("百褶裙", "长裙", "裙子", "半身裙", "短裙"),
    "leggings": ("瑜伽裤", "丝袜", "紧身裤", "打底裤"),
}  # fmt: skip
BAG_EN: Words = {
    "backpack": ("backpack", "rucksack", "school bag", "knapsack"), "handbag": ("handbag", "hand bag", "purse", "bag"),
    "shoulder bag": ("shoulder bag", "crossbody bag", "satchel", "messenger bag"),
}  # fmt: skip
BAG_ZH: Words = {
    "backpack": ("背{c}双肩包", "背{c}书包", "背{c}背包", "背着{c}双肩包", "背着{c}书包"),
    "handbag": ("拎{c}手提包", "提{c}包", "拎着{c}包", "手提{c}包", "拎{c}手提袋"),
    "shoulder bag": ("背{c}挎包", "挎{c}单肩包", "背{c}斜挎包", "挎着{c}包"),
}  # fmt: skip
CARRIED_EN: Words = {
    "suitcase": ("pulling a {c} suitcase", "with a {c} suitcase", "with {c} luggage", "dragging a {c} trolley case"),
    "umbrella": ("with a {c} umbrella", "under a {c} umbrella", "holding a {c} umbrella"),
    "cane": ("with a cane", "walking with a stick", "with a walking stick", "leaning on a cane", "using a cane"),
    "parcel": ("carrying a box", "with a parcel", "holding a package", "carrying a cardboard box"),
    "papers": ("holding papers", "with a sheet of paper", "reading a paper", "holding a document"),
}  # fmt: skip
CARRIED_ZH: Words = {
    "suitcase": ("拖{c}行李箱", "拉{c}行李箱", "拉着{c}拉杆箱", "拖着{c}行李箱", "推{c}旅行箱"),
    "umbrella": ("打{c}伞", "打着{c}雨伞", "撑{c}伞", "撑着{c}雨伞", "举{c}伞"),
    "cane": ("拄拐杖", "拄着拐杖", "拄拐", "拄着拐棍", "拿手杖"), "parcel": ("抱着纸箱", "抱着箱子", "抱包裹", "抱着一个盒子"),
    "papers": ("拿着文件", "拿着一张纸", "看文件", "手里拿着纸"),
}  # fmt: skip
HAT_EN: Words = {
    "cap": ("cap", "baseball cap", "hat", "peaked cap"), "hat": ("straw hat", "bucket hat", "hat", "brimmed hat", "hat", "sun hat"), "hood": ("hood over the head", "hood up",),
    "helmet": ("crash helmet", "helmet", "hard hat", "safety helmet"), "headscarf": ("headscarf", "head scarf"),
}  # fmt: skip
HAT_ZH: Words = {
    "cap": ("帽", "鸭舌帽", "棒球帽", "帽子"), "hat": ("草帽", "渔夫帽", "帽子", "礼帽", "宽檐帽", "遮阳帽"), "hood": ("兜帽", "连衣帽"),
    "helmet": ("钢盔", "工地帽", "安全帽", "头盔"), "headscarf": ("头巾", "围头巾"),
}  # fmt: skip
HAIR_EN: Words = {
    "short": ("short hair",), "long": ("long hair", "long hair"), "ponytail": ("a ponytail", "hair in a ponytail"), "bun": ("a bun", "hair in a bun"),
    "bald": ("a bald head", "no hair"),
}  # fmt: skip
HAIR_ZH: Words = {
    "short": ("短发", "短头发"),
    "long": ("长发", "长头发", "披肩发"),
    "ponytail": ("扎马尾", "马尾辫", "扎辫子"),
    "bun": ("盘发", "丸子头"),
    "bald": ("光头", "秃头"),
}
HAIR_COLOUR_EN: Words = {
    "black": ("black hair", "dark hair"),
    "brown": ("brown hair",),
    "grey": ("grey hair", "gray hair"),
    "white": ("white hair",),
    "blonde": ("blonde hair", "fair hair", "golden hair"),
}
HAIR_COLOUR_ZH: Words = {
    "black": ("黑发", "黑头发"),
    "brown": ("棕发", "棕色头发"),
    "grey": ("灰白头发", "头发花白"),
    "white": ("白发", "白头发", "满头白发"),
    "blonde": ("金发", "金色头发"),
}
BUILD_EN: Words = {"thin": ("thin", "slim", "slender"), "heavy": ("heavy", "fat", "stout", "overweight", "big")}
BUILD_ZH: Words = {"thin": ("瘦", "偏瘦", "身材苗条", "瘦小"), "heavy": ("胖", "偏胖", "身材魁梧", "肥胖", "微胖")}
EXTRA_EN: Words = {"glasses": ("glasses", "sunglasses"), "mask": ("a face mask", "a mask"), "scarf": ("a scarf",)}
EXTRA_ZH: Words = {
    "glasses": ("戴眼镜", "戴墨镜", "戴着眼镜"),
    "mask": ("戴口罩", "戴着口罩"),
    "scarf": ("围围巾", "戴围巾", "系着围巾"),
}

NOUN_EN: Words = {
    "male adult": ("fellow", "dude", "mister", "bloke", "father", "worker", "man", "man", "guy", "male", "young man", "gentleman", "middle-aged man"), "female adult": ("lady", "mother", "girl in her twenties", "madam", "woman", "woman", "lady", "female", "young woman", "middle-aged woman"),
    "male child": ("lad", "small boy", "son", "boy", "little boy", "young boy", "male child", "schoolboy"), "female child": ("lass", "small girl", "daughter", "girl", "little girl", "young girl", "female child", "schoolgirl"),
    "male elder": ("grandpa", "old gentleman", "old guy", "older man", "elderly male", "old man", "elderly man", "senior man", "aged man", "grandfather"), "female elder": ("grandma", "granny", "older woman", "elderly female", "old granny", "old woman", "elderly woman", "elderly lady", "old lady", "grandmother"),
    "any child": ("youngster", "minor", "child", "kid", "little child", "toddler"), "any elder": ("elder", "elderly", "senior citizen", "elderly person", "old person", "senior", "pensioner"), "any adult": ("person", "adult", "pedestrian"),
}  # fmt: skip
NOUN_ZH: Words = {
    "male adult": ("大叔", "小哥", "先生", "叔叔", "帅哥", "爸爸", "男青年", "师傅", "工人", "男子", "男人", "男的", "男性", "小伙子", "男士", "中年男子", "小伙", "青年男子"), "female adult": ("阿姨", "大姐", "小姐", "妇女", "妈妈", "美女", "少妇", "小姐姐", "女子", "女人", "女的", "女士", "女性", "姑娘", "中年女子", "年轻女子"),
    "male child": ("男娃", "小孩子", "小弟弟", "男学生", "儿子", "男孩", "小男孩", "男童", "小男生"), "female child": ("女娃", "小丫头", "丫头", "小妹妹", "女学生", "女儿", "女孩", "小女孩", "女童", "小姑娘"),
    "male elder": ("老爷子", "老人", "爷爷", "大伯", "老头子", "外公", "白发老人", "老年男性", "老大爷", "老头", "大爷", "男性老人", "老先生", "老爷爷", "老汉", "七旬老汉"), "female elder": ("奶奶", "大娘", "老婆婆", "外婆", "婆婆", "姥姥", "老年女性", "老太太", "老奶奶", "大妈", "女性老人", "老妇人", "阿婆", "老太"),
    "any child": ("幼儿", "少年", "娃", "儿童", "小孩", "孩子", "儿童", "小朋友", "娃娃"), "any elder": ("长者", "高龄老人", "老年", "老人", "老年人", "老人家", "七旬老人", "八十岁老人"), "any adult": ("人", "行人", "成年人"),
}  # fmt: skip
PLACE_EN: Words = {
    "street": ("street", "road", "pavement by a road"), "square": ("square", "plaza", "paved square"), "car park": ("car park", "parking lot"),
    "room": ("room", "office", "indoor room"), "hall": ("hall", "lobby", "indoor hall"), "lawn": ("lawn", "park", "grass"),
    "entrance": ("entrance", "gate", "doorway of a building"), "corridor": ("corridor", "hallway", "passage"),
}  # fmt: skip
PLACE_ZH: Words = {
    "street": ("街道", "马路", "街上", "路边"), "square": ("广场", "空地"), "car park": ("停车场",), "room": ("房间", "办公室", "室内"), "hall": ("大厅", "大堂", "厅"),
    "lawn": ("草地", "公园", "草坪"), "entrance": ("门口", "大门", "入口"), "corridor": ("走廊", "过道", "通道"),
}  # fmt: skip
CONTENT_EN: Words = {
    "car": ("cars", "a parked car", "vehicles"),
    "van": ("a van", "a white van", "a minibus"),
    "tree": ("trees", "a tree"),
    "table": ("a table", "tables", "a desk"),
    "bench": ("a bench",),
    "door": ("a door",),
    "building": ("a building", "buildings"),
}
CONTENT_ZH: Words = {
    "car": ("汽车", "车", "轿车", "停着的车"),
    "van": ("面包车", "货车"),
    "tree": ("树", "树木"),
    "table": ("桌子", "桌"),
    "bench": ("长椅", "长凳"),
    "door": ("门",),
    "building": ("楼", "建筑", "大楼"),
}

RIDE_ZH: Words = {
    "wheelchair": ("坐轮椅", "坐着轮椅", "推轮椅", "轮椅上"), "bicycle": ("骑自行车", "骑着单车", "骑车", "骑脚踏车"),
    "e-bike": ("骑电动车", "骑电瓶车", "骑摩托车", "骑着小电驴", "骑电动自行车"),
}  # fmt: skip
RIDE_EN: Words = {
    "wheelchair": ("in a wheelchair", "using a wheelchair"), "bicycle": ("riding a bicycle", "on a bike", "cycling", "on a bicycle"),
    "e-bike": ("riding an e-bike", "on an electric scooter", "on a moped", "riding a motor scooter", "on a motorbike"),
}  # fmt: skip
BESIDE_ZH: Words = {"child": ("带着小孩", "牵着孩子", "领着一个小孩", "带孩子", "和小孩一起")}
BESIDE_EN: Words = {"child": ("with a child", "with a kid", "holding a child's hand", "walking with a small child")}
POSE_ZH: Words = {
    "running": ("奔跑", "跑步", "正在跑", "跑着"),
    "sitting": ("坐着", "坐在椅子上", "坐下"),
    "lying": ("躺着", "躺在地上", "倒在地上", "摔倒"),
}
POSE_EN: Words = {
    "running": ("running", "jogging", "who runs"),
    "sitting": ("sitting", "sitting on a bench", "seated"),
    "lying": ("lying down", "lying on the ground", "who has fallen", "collapsed"),
}
MANY_ZH = ("{}有几个人", "{}里两三个人", "{}很多人", "{}人群", "两个人走过{}")
MANY_EN = ("several people in a {}", "two people in a {}", "a busy {}", "a crowd in a {}", "a group of people on a {}")
_GOAL_ZH = (
    "",
    "寻人：",
    "走失：",
    "找一下",
    "请帮忙找",
    "查找",
    "帮我找一个",
    "有人看到",
    "谁见过",
    "失踪者是",
    "目标：",
    "嫌疑人为",
    "一个",
    "看看有没有",
)
_BODY_ZH = ("{who}，{how}", "{how}的{who}", "{who} {how}", "{who}，特征是{how}", "{who}（{how}）", "{how}，是{who}")
TEMPLATES_ZH = tuple(goal + body for goal in _GOAL_ZH for body in _BODY_ZH)
_GOAL_EN = ("", "find ", "missing: ", "search for ", "please find ", "show me ", "we are looking for ", "has anyone seen ", "there is ", "locate ",
            "where is ", "any sign of ", "i need ", "suspect: ")  # fmt: skip
_BODY_EN = (
    "a {who}, {how}",
    "the {who} with {how}",
    "{who} in {how}",
    "a {who} who has {how}",
    "one {who} dressed in {how}",
    "{how}, {who}",
)
TEMPLATES_EN = tuple(goal + body for goal in _GOAL_EN for body in _BODY_EN)
PROMPT_ZH: Words = {
    "upper_colour": ("穿{}上衣的人", "{}上衣", "穿{}衣服的人", "上身{}"), "lower_colour": ("穿{}裤子的人", "{}裤子", "下身{}", "穿{}下装的人"),
    "upper": ("穿{}的人", "{}", "身穿{}"), "lower": ("穿{}的人", "{}"), "hat": ("戴{}的人", "{}", "戴着{}"), "hair": ("{}的人", "{}"),
    **dict.fromkeys(("bag", "carried", "extra", "pose", "ride", "beside"), ("{}的人", "{}")),
}  # fmt: skip
PROMPT_EN: Words = {
    "upper_colour": ("a person wearing a {} top", "{} top", "someone in {} clothes", "a {} jacket"),
    "lower_colour": ("a person wearing {} trousers", "{} pants", "{} trousers"), "upper": ("a person wearing a {}", "{}", "a {}"),
    "lower": ("a person wearing {}", "{}"), "hat": ("a person with a {}", "{}", "wearing a {}"), "bag": ("a person with a {}", "{}"),
    "hair": ("a person with {}", "{}"), "extra": ("a person wearing {}", "{}"),
    **dict.fromkeys(("carried", "pose", "ride", "beside"), ("a person {}", "{}", "someone {}")),
}  # fmt: skip
VALUES_ZH = {"upper": UPPER_ZH, "lower": LOWER_ZH, "hat": HAT_ZH, "bag": BAG_ZH, "carried": CARRIED_ZH, "hair": HAIR_ZH, "extra": EXTRA_ZH,
             "pose": POSE_ZH, "ride": RIDE_ZH, "beside": BESIDE_ZH}  # fmt: skip
VALUES_EN = {"upper": UPPER_EN, "lower": LOWER_EN, "hat": HAT_EN, "bag": BAG_EN, "carried": CARRIED_EN, "hair": HAIR_EN, "extra": EXTRA_EN,
             "pose": POSE_EN, "ride": RIDE_EN, "beside": BESIDE_EN}  # fmt: skip

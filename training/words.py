"""The words for each attribute in both languages: the hand-written synonyms that sentences draw from."""

from __future__ import annotations

Words = dict[str, tuple[str, ...]]

COLOUR_EN: Words = {
    "black": ("black",), "white": ("white",), "grey": ("grey", "gray"), "red": ("red", "red", "bright red", "scarlet", "dark red", "crimson"),
    "blue": ("blue", "blue", "royal blue"), "navy": ("navy", "navy blue", "dark blue"), "light blue": ("light blue", "sky blue", "pale blue"),
    "green": ("green",), "yellow": ("yellow", "golden yellow"), "orange": ("orange",), "pink": ("pink", "rose"), "purple": ("purple", "violet"),
    "brown": ("brown", "coffee coloured"), "beige": ("beige", "khaki", "cream", "tan"), "dark green": ("dark green", "olive", "army green"),
}  # fmt: skip
COLOUR_ZH: Words = {
    "black": ("黑色", "黑", "黑色的", "深黑色"), "white": ("白色", "白", "白色的"), "grey": ("灰色", "灰", "灰色的"),
    "red": ("红色", "红", "大红色", "红色的", "鲜红色", "暗红色", "枣红色"), "blue": ("蓝色", "蓝", "蓝色的", "宝蓝色"), "navy": ("深蓝色", "藏青色", "藏蓝色", "深蓝"),
    "light blue": ("浅蓝色", "天蓝色", "淡蓝色", "浅蓝"), "green": ("绿色", "绿", "绿色的", "草绿色"), "yellow": ("黄色", "黄", "黄色的", "明黄色"),
    "orange": ("橙色", "橘色", "橙", "橘红色", "橘黄色"), "pink": ("粉色", "粉红色", "粉", "玫红色"), "purple": ("紫色", "紫", "紫色的"),
    "brown": ("棕色", "褐色", "咖啡色", "棕"), "beige": ("米色", "卡其色", "米黄色", "浅褐色", "米白色"), "dark green": ("墨绿色", "深绿色", "军绿色"),
}  # fmt: skip
UPPER_EN: Words = {
    "t-shirt": ("t-shirt", "tee", "short-sleeved top", "short sleeve shirt"), "shirt": ("shirt", "blouse", "button-up shirt"),
    "sweater": ("sweater", "jumper", "pullover", "sweatshirt", "knitwear", "cardigan"), "hoodie": ("hoodie", "hooded sweatshirt", "hooded top"),
    "jacket": ("jacket", "short jacket", "jacket", "windbreaker"), "coat": ("coat", "long coat", "overcoat", "trench coat"),
    "down jacket": ("down jacket", "puffer jacket", "padded coat", "parka"), "suit": ("suit", "suit jacket", "blazer"),
    "vest": ("vest", "waistcoat", "sleeveless jacket"), "dress": ("dress", "frock", "gown"),
}  # fmt: skip
UPPER_ZH: Words = {
    "t-shirt": ("T恤", "短袖", "短袖上衣", "半袖"), "shirt": ("衬衫", "衬衣", "长袖衬衫"), "sweater": ("毛衣", "针织衫", "套头衫", "线衣", "开衫"),
    "hoodie": ("卫衣", "连帽衫", "帽衫", "带帽卫衣"), "jacket": ("夹克", "夹克衫", "短外套", "风衣外套"), "coat": ("大衣", "长大衣", "风衣", "长外套", "呢子大衣"),
    "down jacket": ("羽绒服", "棉袄", "棉衣", "羽绒外套"), "suit": ("西装", "西服", "正装"), "vest": ("马甲", "背心", "坎肩"),
    "dress": ("连衣裙", "裙子", "长裙"),
}  # fmt: skip
OUTER = ("jacket", "coat", "down jacket", "suit")
LOWER_EN: Words = {
    "trousers": ("trousers", "pants", "slacks"), "jeans": ("jeans", "denim trousers", "denims"), "shorts": ("shorts", "short trousers"),
    "skirt": ("skirt",), "leggings": ("leggings", "tights"),
}  # fmt: skip
LOWER_ZH: Words = {
    "trousers": ("裤子", "长裤", "裤"), "jeans": ("牛仔裤", "牛仔长裤"), "shorts": ("短裤", "五分裤"), "skirt": ("裙子", "半身裙", "短裙"),
    "leggings": ("紧身裤", "打底裤"),
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
    "cap": ("cap", "baseball cap", "hat", "peaked cap"), "hat": ("hat", "brimmed hat", "hat", "sun hat"), "hood": ("hood up",),
    "helmet": ("helmet", "hard hat", "safety helmet"), "headscarf": ("headscarf", "head scarf"),
}  # fmt: skip
HAT_ZH: Words = {
    "cap": ("鸭舌帽", "棒球帽", "帽子"), "hat": ("帽子", "礼帽", "宽檐帽", "遮阳帽"), "hood": ("兜帽", "连衣帽"),
    "helmet": ("安全帽", "头盔"), "headscarf": ("头巾", "围头巾"),
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
    "male adult": ("man", "man", "guy", "male", "young man", "gentleman", "middle-aged man"), "female adult": ("woman", "woman", "lady", "female", "young woman", "middle-aged woman"),
    "male child": ("boy", "little boy", "young boy", "male child", "schoolboy"), "female child": ("girl", "little girl", "young girl", "female child", "schoolgirl"),
    "male elder": ("old man", "elderly man", "senior man", "aged man", "grandfather"), "female elder": ("old woman", "elderly woman", "elderly lady", "old lady", "grandmother"),
    "any child": ("child", "kid", "little child", "toddler"), "any elder": ("elderly person", "old person", "senior", "pensioner"), "any adult": ("person", "adult", "pedestrian"),
}  # fmt: skip
NOUN_ZH: Words = {
    "male adult": ("男子", "男人", "男的", "男性", "小伙子", "男士", "中年男子", "小伙", "青年男子"), "female adult": ("女子", "女人", "女的", "女士", "女性", "姑娘", "中年女子", "年轻女子"),
    "male child": ("男孩", "小男孩", "男童", "小男生"), "female child": ("女孩", "小女孩", "女童", "小姑娘"),
    "male elder": ("老大爷", "老头", "大爷", "男性老人", "老先生", "老爷爷", "老汉", "七旬老汉"), "female elder": ("老太太", "老奶奶", "大妈", "女性老人", "老妇人", "阿婆", "老太"),
    "any child": ("小孩", "孩子", "儿童", "小朋友", "娃娃"), "any elder": ("老人", "老年人", "老人家", "七旬老人", "八十岁老人"), "any adult": ("人", "行人", "成年人"),
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

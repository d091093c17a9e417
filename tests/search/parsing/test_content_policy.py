"""What is refused and what is not: two tables, made sentences of which none may be refused, and other ways to write."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import PolicyViolation
from search.parsing.content_policy import FILE, LANGUAGES, check_policy, load
from search.parsing.normalize import MAX_SENTENCE_CHARS
from search.ranking.calibration_sentences import Language, calibration_sentences
from tests.support.waiting import quickest
from training.attributes import sample_person
from training.captions import Writer
from training.paraphrases import describe

TRUTH = Path(__file__).parents[3] / "sample_videos" / "truth.json"
PEOPLE = 1000

REFUSED: dict[str, tuple[str, ...]] = {
    "ethnicity": (
        "a black man",
        "an elderly black man with a cane",
        "black old lady in a red coat",
        "two white women",
        "a young white middle-aged man",
        "the man is black and wears a red coat",
        "a person who is white, with a blue bag",
        "brown people near the gate",
        "a Uyghur man in a blue jacket",
        "Uighurs",
        "the Uyghur's bag",
        "Tibetan woman",
        "a Tibetan robe",
        "an Asian",
        "Asian-looking guy",
        "a boy who looks Asian",
        "Chinese boy in a green shirt",
        "an African with a red hat",
        "African American man in jeans",
        "not an Arab",
        "Japanese tourists",
        "a foreigner with a backpack",
        "foreign students",
        "ethnic minority women",
        "a dark-skinned man in white",
        "somebody of Indian descent",
        "people of colour",
        "immigrants with suitcases",
        "ethnic Han woman",
        "找一个黑人",
        "黑人男子，穿红色上衣",
        "穿西装的白人",
        "维吾尔族男子",
        "维族女人",
        "不是汉族的男人",
        "藏族老人，拄拐杖",
        "穿藏族服饰的女人",
        "回族大妈",
        "回民老人",
        "少数民族妇女",
        "外国人",
        "戴帽子的老外",
        "外国女人，金色头发",
        "非洲男子",
        "日本游客",
        "新疆小伙",
        "来自西藏的老人",
        "皮肤是黑皮肤的男人",
        "混血小孩",
        "看起来像印度人",
    ),
    "religion": (
        "Muslim woman in a red headscarf",
        "not a Muslim",
        "Muslims",
        "hijabi women",
        "a Jew in a black coat",
        "Jewish man with a hat",
        "an orthodox christian",
        "a Buddhist monk in an orange robe",
        "an imam",
        "nuns",
        "Catholic priest",
        "church-goers",
        "people praying in the street",
        "worshippers in front of the gate",
        "people leaving the mosque on Friday",
        "Falun Gong practitioners",
        "a religious person",
        "女穆斯林",
        "戴头巾的穆斯林妇女",
        "信教的人",
        "信伊斯兰教的男子",
        "基督徒",
        "犹太人",
        "一个和尚",
        "喇嘛，红色衣服",
        "做礼拜的人",
        "去教堂的老太太",
        "从清真寺出来的男人",
        "在路边祈祷的人",
        "法轮功人员",
        "拜佛烧香的老人",
        "不是佛教徒",
    ),
    "politics": (
        "party members",
        "a member of the Communist Party",
        "political activists",
        "a dissident in a grey coat",
        "petitioners outside the office",
        "separatists",
        "anti-government people",
        "pro-democracy student",
        "opposition supporters",
        "a human rights lawyer",
        "right-wing men",
        "上访的人",
        "老上访户",
        "维权人士",
        "异见人士",
        "共产党员",
        "国民党支持者",
        "民运分子",
        "反政府的学生",
        "台独分子",
        "政治敏感的人",
        "截访人员带走的女人",
    ),
    "protest": (
        "protesters in black",
        "a woman at a protest",
        "demonstrators with umbrellas",
        "man holding a banner",
        "students holding up signs",
        "people chanting slogans",
        "workers on strike",
        "rioters",
        "marchers with flags",
        "pride parade",
        "参加游行的人",
        "示威者",
        "抗议的学生",
        "罢工工人",
        "集会的人群",
        "拉横幅的人",
        "举着标语的女人",
        "举牌子的男子",
        "喊口号的人",
        "聚众闹事的人",
        "请愿的群众",
    ),
    "intimate": (
        "a naked woman",
        "nude people",
        "topless girl",
        "a woman without any clothes",
        "a girl in her underwear",
        "woman with a visible bra",
        "sexy girl in a short skirt",
        "woman with big breasts",
        "deep cleavage",
        "girls with nice buttocks",
        "upskirt",
        "a couple kissing",
        "two men kiss",
        "prostitutes",
        "gay couple",
        "hot girls in shorts",
        "see-through blouse",
        "裸体的女人",
        "全裸男子",
        "没穿衣服的女孩",
        "只穿内衣的女人",
        "露出内裤的女孩",
        "性感的女人",
        "胸部很大的女人",
        "大胸美女",
        "臀部翘的女人",
        "走光的女孩",
        "裙底",
        "亲吻的情侣",
        "接吻的人",
        "同性恋",
        "卖淫女",
    ),
}

WRITTEN_OTHERWISE: dict[str, tuple[str, ...]] = {
    "ethnicity": (
        "维 吾 尔 族的男人",
        "维\u200b吾\u200d尔族",
        "维·吾·尔族",
        "维-吾-尔族男子",
        "维，吾，尔，族",
        "維吾爾族男子",
        "漢族老人",
        "外國人",
        "黑 人 男 子",
        "ＵＹＧＨＵＲ ｍａｎ",
        "UYGHUR MAN",
        "U y g h u r",
        "Uy-ghur man",
        "u.y.g.h.u.r man",
        "Uуghur man",  # a Cyrillic у
        "a BLACK  MAN",
        "a black\tman",
        "a black-man",
        "bla\u00adck man",
    ),
    "religion": (
        "Müslim woman", "M u s l i m women", "M.u.s.l.i.m", "Mus lim", "ｍｕｓｌｉｍ", "Мuslim", "找一个muslim女人",
        "穆 斯\u3000林", "伊斯蘭教徒", "猶太人",
    ),
    "politics": ("party-member", "Party\u00a0Member", "黨員", "上 訪", "維權人士"),
    "protest": ("pro-tester", "P R O T E S T E R S", "遊行的人", "抗議", "示*威"),
    "intimate": ("n\u200bude woman", "裸 體", "內衣", "裸/体", "to-pless woman", "Sexy", "親吻"),
}  # fmt: skip

HARMLESS = (
    # colours are clothing, hair and things
    "a man in black",
    "a woman in white",
    "man in black, woman in white",
    "a person in black and an old woman in red",
    "black-haired man",
    "a white-haired old man",
    "a man with black hair",
    "a boy with brown hair and a white shirt",
    "white shirt, black trousers",
    "a woman with a black bag",
    "a man dressed all in black",
    "a black and white striped shirt",
    "black women's shoes",
    "a white baby carriage",
    "a girl on a black kids bike",
    "an old man with a white beard",
    "a black-clad man",
    "the man is in black",
    "the girl's hair is black",
    "a white van, a man beside it",
    "a man with a brown leather jacket",
    "a brown-eyed girl",
    "a black men's jacket",
    "a bald man with a tanned face",
    # a people's name on a thing is a thing
    "Chinese characters on the shirt",
    "a shirt with Chinese on the back, in red",
    "a T-shirt with text in English",
    "a Chinese dress",
    "a cheongsam",
    "a man with an Indian print scarf",
    "an African drum on his back",
    "an American flag on the jacket",
    "a woman near the Korean restaurant",
    "a Japanese car, a man in grey gets out",
    "a German shepherd on a leash",
    "a Russian fur hat",
    "a boy with a panama hat",
    "a man in a kilt",
    "a woman in a sari",
    "a girl in a kimono",
    "an old woman in a Hanfu",
    "a ponytail and an afro",
    # garments and things, whoever wears them
    "a red headscarf",
    "a woman with a red headscarf",
    "a woman wearing a hijab",
    "a man with a turban",
    "a man with a skullcap",
    "an old woman with prayer beads",
    "a person in an orange robe",
    "a necklace with a cross",
    "monk strap shoes",
    "a Christian Dior bag",
    "a party hat",
    "a green party dress",
    "a slogan T-shirt",
    "a shirt with a slogan",
    "a rally jacket",
    "a red neckerchief",
    # places
    "a man in a red coat near the church",
    "a boy last seen opposite the mosque",
    "an old man in front of the temple",
    "a woman walked past or stood at the gate",
    "a woman outside the town hall in March for the last time",
    "a girl at the Christmas market",
    "a man next to a stop sign",
    "a woman under a large sign",
    "a protestant hospital's wristband",
    # what a missing person may be without
    "an old man without a coat",
    "a boy with no shoes",
    "barefoot, in pyjamas",
    "a shirtless old man",
    "a bare-chested man",
    "bare legs, short skirt",
    "a woman with bare arms",
    "a girl in shorts and a tank top",
    "a woman breastfeeding a baby",
    "a double-breasted coat",
    "a breast pocket with a pen",
    "nude-coloured tights",
    "visible with the naked eye",
    "a sports bra and leggings",
    "thermal underwear under an open coat",
    "a cross-body bag over the chest",
    "a number on the chest",
    "sex: male, age about 60, height 170 cm",
    "a man hugging a child",
    "a couple with a pram",
    "a topcoat, less than knee length",
    "a beautiful woman in a long dress",
    "a pregnant woman",
    "a confused old lady who sits in a wheelchair",
    "people who sit in the park",
    "a crowd, a girl in yellow in it",
    "a white bearded old man",
    "wearing all black, man about 30",
    "a person who walks past. Or stands",
    "a migrant worker with a helmet",
    "a tour guide with a small flag",
    "a policeman, a nurse, a courier",
    "jewellery, a jewelled hairpin",
    "an assistant with glasses",
    "a classic bottom-zip bag",
    "a Sussex cricket cap",
    "a nunchaku on the backpack",
    # Chinese
    "穿黑色衣服的人",
    "穿黑衣服的男人",
    "穿白色上衣的女人",
    "一身黑，人很瘦",
    "上衣白，人高",
    "黑色人字拖",
    "穿黑人字拖的男子",
    "黑头发的女孩",
    "头发白人瘦",
    "白头发老人",
    "藏青色外套",
    "藏蓝色裤子",
    "穿藏袍的老太太",
    "老外套",
    "穿着老外套的大爷",
    "老外婆牵着孩子",
    "皮肤黝黑的老汉",
    "皮肤白的女孩",
    "肤色丝袜",
    "来回走的男人",
    "回头看的女人",
    "回民街门口穿红衣服的女孩",
    "满头白发的老人",
    "坐满人的公交车旁，穿绿衣服的孩子",
    "新疆路口骑车的人",
    "西藏中路，拎包的女子",
    "穿旗袍的女士",
    "穿汉服的姑娘",
    "穿和服的女子",
    "衣服上有中国字样",
    "背后印着中国的男孩",
    "人民医院门口坐轮椅的老人",
    "水族馆门口的小孩",
    "人行道上的女人",
    "戴头巾的女人",
    "红色头巾",
    "戴花帽的男人",
    "戴白色小圆帽的老人",
    "戴佛珠的老人",
    "光头，像和尚头",
    "清真寺附近穿蓝衣服的男人",
    "从教堂门口走过的女孩",
    "清真餐厅门口的男子",
    "上个礼拜三走失的老人",
    "礼拜天下午，穿灰衣服",
    "魔法师斗篷的小孩",
    "对方丈夫穿黑夹克",
    "戴红领巾的小学生",
    "党员活动室门口的大妈",
    "农民运输车旁边的男人",
    "举着小旗的导游",
    "打着伞的人",
    "标语衫",
    "横幅下面穿红衣的女人",
    "聚集的人群里穿黄衣服的女孩",
    "跳广场舞的大妈",
    "光膀子的老人",
    "没穿上衣的男人",
    "没穿外套的小孩",
    "外套没穿，衣服是白色的",
    "光脚的老太太",
    "没穿鞋的男孩",
    "穿短裙的女孩",
    "穿背心短裤的大爷",
    "穿睡衣的老人",
    "穿保暖内衣的老人",
    "室内衣着单薄的女孩",
    "胸前有字的T恤",
    "胸前抱着孩子的女人",
    "前胸大字母的卫衣",
    "背后有字，胸口有口袋",
    "戴大胸针的女士",
    "裤子屁股上有泥",
    "长发及臀的女人",
    "过臀的大衣",
    "包臀裙",
    "举着牌照的人",
    "一老人种菜",
    "墙上有广告牌，穿蓝衣服的人",
    "从黑车下来的男人",
    "裸色高跟鞋",
    "母乳喂养的女人",
    "乳白色外套",
    "大奶奶推着婴儿车",
    "走光头男子旁边的小孩",
    "女性感冒了，戴口罩",
    "老年男性行为异常，穿灰衣",
    "男性爱穿运动鞋",
    "身材魁梧的帅哥",
    "穿连衣裙的美女",
    "男同志，灰上衣",
    "跟男同学一起走的女生",
    "情侣装的两个人",
    "性别男，六十岁",
    "怀孕的女人",
    "丝袜和高跟鞋",
    "穿瑜伽裤的女人",
)


def rule_of(sentence: str) -> str | None:
    try:
        check_policy(sentence)
    except PolicyViolation as refused:
        return refused.rule
    return None


def pairs(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(rule, sentence) for rule, sentences in table.items() for sentence in sentences]


@pytest.mark.parametrize(("rule", "sentence"), pairs(REFUSED))
def test_must_be_refused(rule: str, sentence: str) -> None:
    assert rule_of(sentence) == rule


@pytest.mark.parametrize(("rule", "sentence"), pairs(WRITTEN_OTHERWISE))
def test_must_be_refused_however_it_is_written(rule: str, sentence: str) -> None:
    assert rule_of(sentence) == rule


@pytest.mark.parametrize("sentence", HARMLESS)
def test_must_not_be_refused(sentence: str) -> None:
    check_policy(sentence)


def test_the_tables_are_in_both_languages() -> None:
    refused = [sentence for _, sentence in pairs(REFUSED)]
    assert set(REFUSED) == {rule.name for rule in load().rules}
    assert len(refused) >= 80
    assert len(HARMLESS) >= 120
    for table in (refused, HARMLESS):
        chinese = sum(not sentence.isascii() for sentence in table)
        assert 0.4 < chinese / len(table) < 0.6
    assert len({*refused, *HARMLESS}) == len(refused) + len(HARMLESS)


# made sentences ------------------------------------------------------------------------------------------------------


def test_no_sentence_of_the_sample_videos_is_refused() -> None:
    truth = json.loads(TRUTH.read_text("utf-8"))
    said = [demo["text"] for demo in truth["demo"]]
    said += [text for person in truth["people"] for texts in person["sentences"].values() for text in texts]
    assert len(said) > 50
    assert [text for text in said if rule_of(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_training_and_of_the_benchmarks_is_refused(language: str) -> None:
    """`describe` is what ``benchmarks/quality.py`` asks with: it has no sentences of its own."""
    rng = np.random.default_rng(20261123)
    writer = Writer(rng)
    people = [sample_person(seed).as_dict() for seed in range(PEOPLE)]
    said = [writer.person(person, language).text for person in people for _ in range(3)]
    said += [describe(person, language, rng).text for person in people for _ in range(2)]
    assert len(said) == 5 * PEOPLE
    assert [text for text in said if rule_of(text)] == []


def test_no_usual_description_is_refused() -> None:
    assert [text for language in Language for text in calibration_sentences(language) if rule_of(text)] == []


# other ways to write -------------------------------------------------------------------------------------------------


@given(st.sampled_from(pairs(REFUSED)), st.data())
def test_neither_case_nor_width_nor_blanks_matter(pair: tuple[str, str], data: st.DataObject) -> None:
    rule, sentence = pair
    assert rule_of("".join(data.draw(_written(char)) for char in sentence)) == rule


def _written(char: str) -> st.SearchStrategy[str]:
    """Other ways to write a character: case, width, something invisible or, in Chinese, blanks behind it."""
    wide = [chr(ord(char) + 0xFEE0)] if "!" <= char <= "~" else []
    same = [char, char.upper(), char.lower(), *wide]
    behind = ["", "\u200b", "\u2060", "\ufe0f"]
    if "\u4e00" <= char <= "\u9fff":
        behind += [" ", "\u3000", "·", " - "]
    return st.builds(str.__add__, st.sampled_from(same), st.sampled_from(behind))


@given(st.text(max_size=MAX_SENTENCE_CHARS))
def test_any_text_can_be_read(text: str) -> None:
    rule_of(text)


@pytest.mark.parametrize("text", ["维 " * 200, "u " * 200, "- " * 300, "black old " * 60, "a" * 600, "\ud800" * 50])
def test_no_sentence_takes_longer_than_its_length(text: str) -> None:
    """A rule that tries every way to read it takes a thousand times as long as for plain words."""
    for rule in load().rules:
        assert rule.patterns().words is rule.words  # compiled now
    plain = ("a woman in a red coat near the gate " * 20)[: len(text)]
    assert quickest(lambda: rule_of(text)) < 20 * quickest(lambda: rule_of(plain))


DATA = tomllib.loads(FILE.read_text("utf-8"))
LISTED = sorted(
    word
    for entry in (*DATA["rules"].values(), DATA["words"])
    for key, words in entry.items()
    if key not in ("title", "reason")
    for word in words
)


@given(
    st.lists(st.sampled_from([*LISTED, *" ._-0\u0301\u0903的 a"]) | st.text(max_size=3), max_size=8),
    st.sampled_from(" _."),
)
def test_a_text_that_no_pattern_was_compiled_for_has_no_listed_word(parts: list[str], between: str) -> None:
    """A rule answers what its patterns find, which it does not compile for a text without the letters of its words."""
    for text in ("".join(parts), " ".join(parts), between.join("".join(parts))):
        plain = load().plain(text)
        for rule in load().rules:
            rest = rule.harmless.sub(" 0 ", plain)
            assert list(rule.words_in(plain)) == list(dict.fromkeys(m.group() for m in rule.words.finditer(rest)))


def test_no_listed_word_has_a_digit_and_each_has_a_letter() -> None:
    assert [word for word in LISTED if any(c.isdigit() for c in word) or not any(c.isalpha() for c in word)] == []


def test_a_usual_sentence_compiles_no_pattern() -> None:
    code = (
        "import re, search.parsing\n"
        "from search.parsing.content_policy import check_policy\n"
        "def refuse(*_): raise AssertionError('compiled')\n"
        "re.compile = refuse\n"
        "check_policy('a man in a red coat with a backpack, 穿蓝色大衣的女子')\n"
        "try: check_policy('a muslim')\n"
        "except AssertionError: print('lazy')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "lazy\n"


# the error and the list ----------------------------------------------------------------------------------------------


def test_the_error_says_which_rule_and_which_words() -> None:
    with pytest.raises(PolicyViolation) as caught:
        check_policy("a Muslim and a rabbi in red")
    refused = caught.value
    assert refused.rule == "religion"
    assert refused.as_dict().keys() == {"error", "what", "got", "expected", "cure", "rule"}
    assert refused.as_dict()["error"] == "Refused"
    assert "religion" in refused.what
    assert refused.got == "muslim, rabbi"
    assert "clothing" in refused.expected
    assert "garment" in refused.cure


def test_every_rule_is_told_in_both_languages() -> None:
    for rule in load().rules:
        assert set(rule.title) == set(rule.reason) == set(LANGUAGES)


def test_every_entry_of_the_list_is_needed() -> None:
    """No word stands twice, all are written plainly, and what is harmless would be refused if it were not listed."""
    data = tomllib.loads(FILE.read_text("utf-8"))
    policy = load()
    for rule in policy.rules:
        told = data["rules"][rule.name]
        words = [word for key, listed in told.items() if key not in ("title", "reason") for word in listed]
        assert sorted(words) == sorted(set(words))
        assert [word for word in words if policy.plain(word) != word] == []
        assert [word for word in (*told["en"], *told["zh"]) if not rule.words.search(word)] == []
        assert [word for word in told["zh"] if any(other in word and other != word for other in told["zh"])] == []
        around = [("", ""), ("", "的人"), ("新疆", ""), ("去", ""), ("", " man"), ("white ", "")]
        needed = {word for word in told["harmless"] for a, b in around if rule.words.search(a + word + b)}
        assert [word for word in told["harmless"] if word not in needed] == []


def test_every_traditional_character_is_read_as_one_that_is_listed() -> None:
    data = tomllib.loads(FILE.read_text("utf-8"))
    listed = set("".join(_texts([data["rules"], data["words"]])))
    for pair in data["letters"]["traditional"].split():
        assert pair[1] in listed
        assert pair[0] not in listed


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)

"""The people of the sample videos, chosen so that each can be told from the others in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from training.attributes import Person


@dataclass(frozen=True)
class Member:
    """A person with a name for the truth file and sentences that fit no one else of the cast."""

    id: str
    person: Person
    en: tuple[str, ...]
    zh: tuple[str, ...]
    speed: float = 1.25


def _who(seed: int, sex: str, age: str, upper: str, upper_colour: str, lower: str, lower_colour: str, *, build: str = "average",
         hair: str = "short", hair_colour: str = "black", hat: str = "none", hat_colour: str = "black", bag: str = "none",
         bag_colour: str = "black", carried: str = "none", carried_colour: str = "black", shoes: str = "black",
         pattern: str = "plain", extra: str = "none", open_front: bool = False) -> Person:  # fmt: skip
    return Person(seed, sex, age, build, upper, upper_colour, lower, lower_colour, hair, hair_colour, hat, hat_colour,
                  bag, bag_colour, carried, carried_colour, shoes, pattern, extra, open_front)  # fmt: skip


CAST: tuple[Member, ...] = (
    Member("red-coat-man", _who(-101, "male", "adult", "coat", "red", "trousers", "black", bag="backpack"),
           ("a man in a red coat with a black backpack", "man wearing a red coat and black trousers, black backpack"),
           ("穿红色外套、背黑色书包的男子", "红大衣，黑色双肩包的男人")),
    Member("red-coat-twin", _who(-116, "male", "adult", "coat", "red", "jeans", "light blue", hat="cap", hat_colour="black", shoes="white"),
           ("a man in a red coat and light blue jeans with a black cap", "a man with a black cap wearing a red coat, no bag"),
           ("穿红色大衣和浅蓝色牛仔裤、戴黑色鸭舌帽的男子", "戴黑帽子、穿红外套、没有背包的男人")),
    Member("yellow-coat-woman", _who(-102, "female", "adult", "coat", "yellow", "trousers", "black", hair="long", bag="handbag", bag_colour="brown"),
           ("a woman in a yellow coat", "a woman with long hair wearing a yellow coat and black trousers, carrying a handbag"),
           ("穿黄色大衣的女子", "黄色外套、黑色裤子、拎手提包的长发女人")),
    Member("elder-with-cane", _who(-103, "male", "elder", "jacket", "grey", "trousers", "black", hair_colour="white", hat="hat", hat_colour="grey", carried="cane", carried_colour="brown"),
           ("an old man in a grey jacket with a cane", "an elderly man wearing a grey hat and walking with a stick"),
           ("拄拐杖、穿灰色夹克的老人", "戴灰色帽子拄着拐杖的老大爷"), 0.8),
    Member("blue-jacket-suitcase-man", _who(-104, "male", "adult", "jacket", "blue", "jeans", "navy", carried="suitcase", carried_colour="red", shoes="white"),
           ("a man in a blue jacket pulling a red suitcase", "a man with a red suitcase"),
           ("穿蓝色夹克、拖着红色行李箱的男子", "拉红色行李箱的男人")),
    Member("grey-coat-woman", _who(-105, "female", "adult", "coat", "grey", "leggings", "black", hair="long", hair_colour="brown", bag="shoulder bag", bag_colour="brown"),
           ("a woman in a long grey coat with a brown shoulder bag", "a woman with long brown hair in a grey coat"),
           ("穿灰色大衣、背棕色挎包的女子", "灰色长大衣的长发女人")),
    Member("orange-child", _who(-106, "male", "child", "down jacket", "orange", "jeans", "blue", shoes="white"),
           ("a child in an orange jacket", "a little boy wearing an orange down jacket and blue jeans"),
           ("穿橙色外套的小孩", "穿橙色羽绒服和蓝色牛仔裤的小男孩"), 1.1),
    Member("pink-girl", _who(-107, "female", "child", "hoodie", "pink", "trousers", "white", hair="ponytail", bag="backpack", bag_colour="purple"),
           ("a little girl in a pink hoodie", "a girl wearing pink with a purple backpack"),
           ("穿粉色卫衣的小女孩", "穿粉红色衣服、背紫色书包的女孩"), 1.05),
    Member("green-umbrella-woman", _who(-108, "female", "adult", "jacket", "green", "trousers", "beige", hair="bun", carried="umbrella", carried_colour="purple"),
           ("a woman in a green jacket with a purple umbrella", "a woman under an umbrella"),
           ("穿绿色外套、打紫色雨伞的女子", "打着伞的女人")),
    Member("black-suit-man", _who(-109, "male", "adult", "suit", "black", "trousers", "black", bag="handbag", bag_colour="brown"),
           ("a man in a black suit with a brown bag", "a man wearing a black suit"),
           ("穿黑色西装、提棕色包的男子", "穿黑西服的男人")),
    Member("worker", _who(-110, "male", "adult", "vest", "orange", "trousers", "navy", hat="helmet", hat_colour="yellow", shoes="brown"),
           ("a worker in an orange vest and a yellow helmet", "a man wearing a yellow helmet"),
           ("穿橙色背心、戴黄色安全帽的工人", "戴黄色头盔的男子")),
    Member("purple-sweater-woman", _who(-111, "female", "adult", "sweater", "purple", "trousers", "grey", hair="short", hair_colour="brown"),
           ("a woman in a purple sweater and grey trousers", "a woman with short hair wearing purple"),
           ("穿紫色毛衣和灰色裤子的女子", "紫色上衣的短发女人")),
    Member("white-shirt-shorts-man", _who(-112, "male", "adult", "t-shirt", "white", "shorts", "blue", build="heavy", shoes="white"),
           ("a man in a white t-shirt and blue shorts", "a heavy man wearing a white T-shirt and shorts"),
           ("穿白色短袖和蓝色短裤的男子", "白T恤蓝短裤的胖男人")),
    Member("brown-jacket-man", _who(-113, "male", "adult", "jacket", "brown", "trousers", "beige", hat="cap", hat_colour="black", carried="parcel", carried_colour="beige"),
           ("a man in a brown jacket carrying a box", "a man with a black cap and a parcel in his hands"),
           ("穿棕色夹克、抱着纸箱的男子", "戴黑色鸭舌帽抱着包裹的男人")),
    Member("red-dress-woman", _who(-114, "female", "adult", "dress", "red", "none", "black", hair="long", hat="hat", hat_colour="beige"),
           ("a woman in a red dress with a beige hat", "a woman wearing a red dress"),
           ("穿红色连衣裙、戴米色帽子的女子", "穿红裙子的女人")),
    Member("old-woman-dark-green", _who(-115, "female", "elder", "down jacket", "dark green", "trousers", "black", hair="bun", hair_colour="grey", bag="handbag", bag_colour="red"),
           ("an old woman in a dark green down jacket with a red bag", "an elderly woman carrying a red handbag"),
           ("穿墨绿色羽绒服、拎红色手提包的老太太", "提红色包的老奶奶"), 0.85),
)  # fmt: skip

DEMO: tuple[tuple[str, str, str], ...] = (
    ("en", "a man in a red coat with a black backpack", "red-coat-man"),
    ("en", "a woman in a yellow coat", "yellow-coat-woman"),
    ("zh", "穿粉色卫衣的小女孩", "pink-girl"),
)

// The words for a story's people, animals, things and places, with what they are like.
#pragma once

#include <cstdint>
#include <string_view>

namespace recipe {

using Words = std::string_view;

// ---- people ----

inline constexpr Words girls[] = {
    "Ada",   "Alice", "Amy",   "Anna",  "Bella", "Bess",   "Cara",  "Clara", "Cleo",   "Daisy",
    "Dora",  "Edith", "Ella",  "Elsie", "Emma",  "Eva",    "Fern",  "Flora", "Freya",  "Gina",
    "Grace", "Greta", "Hanna", "Hazel", "Heidi", "Helen",  "Ida",   "Ines",  "Iris",   "Ivy",
    "Jane",  "Jenny", "Jill",  "Julia", "Kate",  "Kira",   "Lara",  "Lena",  "Lily",   "Lina",
    "Lotte", "Lucy",  "Luna",  "Mabel", "Maria", "Martha", "Maya",  "Mia",   "Mila",   "Molly",
    "Nadia", "Nell",  "Nina",  "Nora",  "Olga",  "Olive",  "Paula", "Pearl", "Petra",  "Polly",
    "Rita",  "Rosa",  "Ruby",  "Ruth",  "Sally", "Sara",   "Selma", "Sofia", "Stella", "Tessa",
    "Tilda", "Vera",  "Viola", "Wanda", "Willa", "Yara",   "Zelda", "Zoe",   "Amina",  "Leila",
    "Mei",   "Yuki",  "Priya", "Asha",  "Nala",  "Zara"};

inline constexpr Words boys[] = {
    "Adam",    "Alan",   "Albert", "Alex",   "Anton",  "Arthur", "Ben",   "Bruno",  "Carl",
    "Charlie", "Colin",  "Daniel", "David",  "Dexter", "Edgar",  "Eli",   "Emil",   "Eric",
    "Felix",   "Finn",   "Frank",  "Fred",   "George", "Gus",    "Hans",  "Harry",  "Henry",
    "Hugo",    "Ian",    "Jack",   "Jacob",  "James",  "Jim",    "Joe",   "Jonas",  "Karl",
    "Kurt",    "Lars",   "Leo",    "Levi",   "Louis",  "Luke",   "Mark",  "Martin", "Max",
    "Milo",    "Nathan", "Ned",    "Nick",   "Noah",   "Oliver", "Omar",  "Oscar",  "Otto",
    "Owen",    "Paul",   "Peter",  "Philip", "Ralph",  "Ray",    "Robin", "Roger",  "Rufus",
    "Sam",     "Simon",  "Stan",   "Theo",   "Thomas", "Tim",    "Toby",  "Tom",    "Victor",
    "Walter",  "Will",   "Zack",   "Amir",   "Kofi",   "Ravi",   "Kenji", "Hassan", "Diego",
    "Mateo",   "Yusuf",  "Nico"};

inline constexpr Words surnames[] = {
    "Abbot",  "Archer",  "Barley", "Bell", "Berry", "Birch",    "Bloom",   "Brook", "Brown",
    "Carver", "Clay",    "Cole",   "Dale", "Drake", "Elm",      "Field",   "Finch", "Fisher",
    "Flint",  "Forrest", "Frost",  "Gold", "Green", "Grove",    "Hart",    "Heath", "Hill",
    "Holly",  "Hood",    "Hope",   "Lane", "Marsh", "Mason",    "Meadows", "Mills", "Moss",
    "North",  "Oakley",  "Page",   "Park", "Penny", "Pepper",   "Pine",    "Plum",  "Pond",
    "Potter", "Reed",    "Rivers", "Rose", "Sands", "Shepherd", "Silver",  "Snow",  "Stone",
    "Swan",   "Thorn",   "Waters", "West", "White", "Winter",   "Wood",    "Young"};

/// What somebody's character leads to, beside the word for it.
namespace trait {
enum : std::uint16_t {
  bold = 1,
  timid = 2,
  careless = 4,
  careful = 8,
  generous = 16,
  selfish = 32,
  proud = 64,
  honest = 128,
  patient = 256,
  impatient = 512,
  clever = 1024,
  merry = 2048
};
}

/// A nature: what follows from it, and patterns that show it.
struct Trait {
  Words word;
  std::uint16_t leads_to;
  Words shown;
};

inline constexpr Trait traits[] = {
    {"brave", trait::bold,
     "$a <not be> afraid of [thunder|ghosts|the dark].|When the others were afraid, $a <go> "
     "first."},
    {"bold", trait::bold,
     "$a <climb> the highest rocks and <shout> hello to the eagles.|$a <dare> to do what the "
     "others only dreamed of."},
    {"daring", trait::bold,
     "$a <can> walk along the top of a wall without looking down.|Every tree that could be "
     "climbed, $a <had climb>."},
    {"adventurous", trait::bold,
     "$a <dream> of jungles, pirates and lonely islands.|Every morning, $a <hope> for a new "
     "adventure."},
    {"shy", trait::timid,
     "When strangers came, $a <hide> behind the door.|$a <blush> whenever somebody spoke to @a."},
    {"timid", trait::timid,
     "$a <jump> at every sudden noise.|$a <like> to look before going anywhere."},
    {"quiet", trait::timid,
     "$a <like> silent corners best.|$a <speak> so softly that one had to listen carefully."},
    {"nervous", trait::timid,
     "$a <worry> about a hundred little things.|Before every journey, $a <not sleep> at all."},
    {"careless", trait::careless,
     "$a <leave> gates open and lids off jars.|$a often <drop> or <spill> something."},
    {"forgetful", trait::careless,
     "$a often <leave> things lying about and <not know> where they were.|Sometimes $a even "
     "<forget> what day it was."},
    {"clumsy", trait::careless,
     "$a <stumble> over ^a own feet.|Cups and plates were never quite safe when $a <be> near."},
    {"dreamy", trait::careless,
     "^a thoughts were often far away among the clouds.|$a <can> stare at a beetle and forget the "
     "whole world."},
    {"careful", trait::careful,
     "$a <look> at everything twice before $a <do> anything.|$a <carry> even an egg as if it were "
     "made of gold."},
    {"tidy", trait::careful,
     "$a always <put> everything back in its place.|Everything that $a <own> was clean and in good "
     "order."},
    {"sensible", trait::careful,
     "$a <think> first and <act> afterwards.|People often <ask.past> @a for advice."},
    {"kind", trait::generous,
     "If somebody was sad, $a <notice> it at once.|$a never <pass> anyone without a friendly "
     "word."},
    {"generous", trait::generous,
     "When $a <have> two apples, $a <give> one away.|$a <give> away so many things that ^a pockets "
     "were always empty."},
    {"gentle", trait::generous,
     "Even wild birds <be.past.p> not afraid of @a.|$a never <shout> and never <push> anyone."},
    {"helpful", trait::generous,
     "$a <carry> baskets for the old and <tie> shoes for the young.|Wherever there was work to do, "
     "$a <lend> a hand."},
    {"thoughtful", trait::generous,
     "$a <remember> everyone's birthday.|$a always <think> about what others might need."},
    {"selfish", trait::selfish,
     "$a <want> the best of everything.|\"(a)Mine!\" was the word that $a <use> most."},
    {"greedy", trait::selfish,
     "However much $a <have>, $a <want> a little more.|$a always <take> the biggest piece of "
     "cake."},
    {"grumpy", trait::selfish,
     "$a <find> fault with everything and everyone.|$a <grumble> about the rain and about the "
     "sun."},
    {"bossy", trait::selfish,
     "$a <like> to tell the others what to do.|In every game, $a <make> the rules."},
    {"proud", trait::proud,
     "$a <not like> to ask anyone for anything.|$a <hold> ^a head very high."},
    {"boastful", trait::proud,
     "$a <talk> about ^a great deeds all day long.|In ^a stories, every fish was as big as a "
     "whale."},
    {"stubborn", trait::proud,
     "When $a <had say> no, it was no.|Nobody could change ^a mind, not even with honey cake."},
    {"vain", trait::proud,
     "$a <look> at &a in every puddle.|$a <comb> ^a hair a hundred times a day."},
    {"honest", trait::honest,
     "$a never <say> anything that was not true.|If $a <find> a penny, $a <look> for its owner."},
    {"loyal", trait::honest,
     "Whoever had a secret told it to @a, because $a <can> keep it.|$a never <leave> a friend "
     "alone."},
    {"patient", trait::patient,
     "$a <can> sit still for an hour and watch a snail.|$a never <mind> waiting."},
    {"calm", trait::patient,
     "When everyone else <run.past> about, $a <sit> down and <think>.|Nothing <can.3> make @a lose "
     "^a temper."},
    {"hard-working", trait::patient,
     "What $a <begin>, $a <finish>, even if it took all day.|$a <be> up before the sun."},
    {"impatient", trait::impatient,
     "$a <hate> to wait.|For @a, nothing ever <go.past> fast enough."},
    {"restless", trait::impatient,
     "$a <can> not sit still for one minute.|$a <run> where others walked."},
    {"hasty", trait::impatient,
     "$a <do> everything in a great hurry.|$a <begin> ten things and <finish> one."},
    {"clever", trait::clever,
     "Wherever there was a puzzle, $a <want> to solve it.|$a <know> the names of all the stars."},
    {"curious", trait::clever,
     "$a <ask> a hundred questions every day.|$a <look> under every stone and behind every door."},
    {"bright", trait::clever,
     "$a <learn> everything quickly.|$a <can> count to a thousand and back again."},
    {"inventive", trait::clever,
     "$a <take> old things apart to see how they worked.|Out of string and boxes, $a <make> the "
     "most wonderful machines."},
    {"cheerful", trait::merry,
     "$a <sing> from morning till night.|Even on rainy days, $a <hum> a tune."},
    {"merry", trait::merry,
     "$a <laugh> so often that everyone had to laugh, too.|$a <can> turn any work into a game."},
    {"lively", trait::merry,
     "$a <hop> and <skip> wherever $a <go>.|Where $a <be>, it was never quiet."},
    {"playful", trait::merry,
     "$a <know> more games than anyone else.|$a <make> a game out of everything."},
    {"funny", trait::merry,
     "$a <know> a joke for every day of the year.|When $a <make> a face, nobody could stay "
     "serious."},
    {"friendly", trait::merry,
     "$a <say> good morning to everyone, even to the trees.|$a <make> friends wherever $a <go>."}};

struct Relative {
  Words noun, calling;
  bool female;
  bool grown_up;
};
inline constexpr Relative relatives[] = {{"mother", "Mum", true, true},
                                         {"father", "Dad", false, true},
                                         {"grandmother", "Grandma", true, true},
                                         {"grandfather", "Grandpa", false, true},
                                         {"aunt", "Aunt", true, true},
                                         {"uncle", "Uncle", false, true},
                                         {"big sister", "", true, false},
                                         {"big brother", "", false, false},
                                         {"little sister", "", true, false},
                                         {"little brother", "", false, false},
                                         {"cousin", "", true, false}};

/// A trade: who, where, what is done there all day, what can be lent from there, and a chore for
/// which a child may be paid.
struct Job {
  Words noun, place, work, tool, chore, product;
};
inline constexpr Job jobs[] = {
    {"baker", "bakery", "knead the dough", "big wooden spoon",
     "carry the warm loaves to the shelves", "bread"},
    {"farmer", "farm", "milk the cows", "long ladder", "feed the hens", "milk"},
    {"gardener", "garden", "water the roses", "spade", "pull up the weeds", "flowers"},
    {"carpenter", "workshop", "saw planks", "hammer", "sweep up the wood shavings", "chairs"},
    {"blacksmith", "forge", "hammer red-hot iron", "strong chain", "pump the bellows",
     "horseshoes"},
    {"tailor", "tailor's shop", "sew buttons on coats", "needle and thread",
     "sort the buttons by colour", "coats"},
    {"fisherman", "harbour", "mend the nets", "fishing net", "scrub the deck of the boat", "fish"},
    {"miller", "mill", "grind the corn", "sack truck", "fill the sacks with flour", "flour"},
    {"shepherd", "hillside", "watch the sheep", "crook", "count the lambs", "wool"},
    {"painter", "studio", "mix the paints", "stepladder", "wash the brushes", "pictures"},
    {"potter", "pottery", "turn bowls on the wheel", "pot of glue", "stack the clay pots", "bowls"},
    {"shoemaker", "shoemaker's shop", "stitch leather boots", "awl",
     "polish the shoes in the window", "boots"},
    {"librarian", "library", "put books on the shelves", "big book of maps", "dust the old books",
     "books"},
    {"postman", "post office", "sort the letters", "bicycle", "stick stamps on the parcels",
     "letters"},
    {"doctor", "doctor's house", "look after the sick", "roll of bandage", "roll up the bandages",
     "medicine"},
    {"clockmaker", "clock shop", "wind up the clocks", "tiny screwdriver",
     "wipe the glass of the clocks", "clocks"},
    {"cook", "kitchen of the inn", "stir the soup", "soup ladle", "peel the potatoes", "soup"},
    {"florist", "flower shop", "tie bunches of flowers", "watering can",
     "fill the vases with water", "flowers"},
    {"grocer", "grocer's shop", "weigh apples and nuts", "handcart", "stack the boxes of apples",
     "apples"},
    {"beekeeper", "beehives", "gather honey", "veil and gloves", "wash the honey jars", "honey"},
    {"weaver", "weaver's cottage", "weave bright cloth", "ball of strong string",
     "wind the wool into balls", "blankets"},
    {"toymaker", "toy shop", "carve little horses", "pot of paint", "paint the wheels of the carts",
     "toys"},
    {"teacher", "school", "teach the children", "box of chalk", "clean the blackboard", "lessons"},
    {"sailor", "harbour", "coil the ropes", "long rope", "fold the sails", "stories"},
    {"innkeeper", "inn", "light the fires", "lantern", "carry in the firewood", "supper"},
    {"candle maker", "candle shop", "pour the wax", "box of candles", "cut the wicks", "candles"},
    {"cheesemaker", "dairy", "stir the big pot of milk", "milk churn", "turn the cheeses over",
     "cheese"},
    {"ferryman", "landing", "row people across the river", "little boat", "bail out the ferry",
     "crossings"}};

// ---- animals ----

/// What an animal can do that others cannot; problems ask for it.
enum class Gift : std::uint8_t { none, flies, climbs, digs, swims, strong, tiny, wise, fast };

/// An animal that may be a story's person.
struct Beast {
  Words noun, young, home, food;
  Gift gift;
};
inline constexpr Beast beasts[] = {
    {"fox", "cub", "den", "blackberries", Gift::fast},
    {"rabbit", "young rabbit", "burrow", "carrots", Gift::digs},
    {"bear", "bear cub", "cave", "honey", Gift::strong},
    {"hedgehog", "young hedgehog", "leaf house", "apples", Gift::tiny},
    {"squirrel", "young squirrel", "hollow oak", "nuts", Gift::climbs},
    {"mouse", "little mouse", "hole", "cheese", Gift::tiny},
    {"badger", "badger cub", "den", "roots", Gift::strong},
    {"otter", "young otter", "riverbank house", "river cakes", Gift::swims},
    {"owl", "owlet", "tall pine", "seed cakes", Gift::wise},
    {"frog", "little frog", "lily pad", "pond soup", Gift::swims},
    {"duck", "duckling", "reed house", "water cress", Gift::swims},
    {"mole", "young mole", "tunnel", "mushrooms", Gift::digs},
    {"beaver", "young beaver", "lodge", "birch bread", Gift::swims},
    {"deer", "fawn", "thicket", "clover", Gift::fast},
    {"sparrow", "young sparrow", "nest", "seeds", Gift::flies},
    {"turtle", "young turtle", "pond house", "lettuce", Gift::wise},
    {"goat", "kid", "shed", "thistles", Gift::climbs},
    {"pig", "piglet", "sty", "turnips", Gift::strong},
    {"hare", "leveret", "form", "clover", Gift::fast},
    {"robin", "young robin", "nest", "berries", Gift::flies},
    {"raven", "young raven", "nest", "plums", Gift::wise},
    {"dormouse", "young dormouse", "teapot house", "hazelnuts", Gift::tiny},
    {"lizard", "young lizard", "stone house", "sunflower seeds", Gift::climbs},
    {"donkey", "foal", "stable", "hay", Gift::strong}};

inline constexpr Words beast_names[] = {
    "Acorn",    "Amber",   "Basil",   "Bramble", "Breeze",  "Bubbles", "Button",  "Cherry",
    "Chestnut", "Cinder",  "Clover",  "Cocoa",   "Copper",  "Cricket", "Dandy",   "Dusty",
    "Ember",    "Fidget",  "Flicker", "Fluff",   "Ginger",  "Hopper",  "Jasper",  "Juniper",
    "Maple",    "Midge",   "Mistle",  "Moss",    "Mungo",   "Nettle",  "Nibbles", "Nutmeg",
    "Oats",     "Patch",   "Pebble",  "Pepper",  "Pip",     "Poppy",   "Puddle",  "Quill",
    "Rusty",    "Saffron", "Skip",    "Sorrel",  "Spruce",  "Sunny",   "Tansy",   "Thistle",
    "Tipper",   "Twig",    "Umber",   "Velvet",  "Whisker", "Willow",  "Winkle",  "Zippy"};

/// An animal that stays an animal: a pet, or one that is met.
struct Creature {
  Words noun, sound, food, place;
  bool pet;
  bool farm;
};
inline constexpr Creature creatures[] = {
    {"dog", "bark", "a bone", "yard", true, true},
    {"puppy", "whimper", "a biscuit", "basket", true, false},
    {"cat", "meow", "a saucer of milk", "windowsill", true, true},
    {"kitten", "mew", "a little fish", "basket", true, false},
    {"pony", "whinny", "an apple", "stable", true, true},
    {"lamb", "bleat", "a bottle of milk", "field", false, true},
    {"goat", "bleat", "some fresh hay", "shed", false, true},
    {"calf", "moo", "a bucket of milk", "barn", false, true},
    {"piglet", "squeal", "a turnip", "sty", false, true},
    {"duckling", "quack", "some crumbs", "pond", false, true},
    {"gosling", "peep", "some green grass", "pond", false, true},
    {"hen", "cluck", "a handful of corn", "henhouse", false, true},
    {"parrot", "squawk", "a slice of orange", "cage", true, false},
    {"canary", "sing", "some seeds", "cage", true, false},
    {"rabbit", "thump", "a carrot", "hutch", true, false},
    {"hamster", "squeak", "a sunflower seed", "cage", true, false},
    {"tortoise", "hiss", "a lettuce leaf", "garden", true, false},
    {"donkey", "bray", "a carrot", "field", false, true},
    {"hedgehog", "snuffle", "a slice of apple", "hedge", false, false},
    {"squirrel", "chatter", "a hazelnut", "wood", false, false},
    {"robin", "chirp", "some breadcrumbs", "hedge", false, false},
    {"owl", "hoot", "a bit of meat", "barn", false, false},
    {"fawn", "bleat", "some clover", "wood", false, false},
    {"seal", "bark", "a herring", "beach", false, false},
    {"seagull", "screech", "a crust of bread", "harbour", false, false},
    {"swan", "honk", "some water weed", "lake", false, false},
    {"foal", "whinny", "a handful of oats", "meadow", false, true},
    {"fox cub", "yelp", "a piece of sausage", "wood", false, false},
    {"swallow", "twitter", "a few gnats", "barn", false, false},
    {"mouse", "squeak", "a bit of cheese", "cellar", false, false}};

inline constexpr Words pet_names[] = {
    "Rex",   "Biscuit", "Socks",  "Snowy",  "Bingo",  "Tiger", "Duke",   "Misty",   "Rocky",
    "Honey", "Muffin",  "Spot",   "Fluffy", "Bandit", "Coco",  "Daisy",  "Patches", "Scout",
    "Sooty", "Toffee",  "Waffle", "Barney", "Pickle", "Smoky", "Marble", "Dot",     "Bounce"};

// ---- things ----

inline constexpr Words colours[] = {"red",   "blue",  "green", "yellow", "orange", "purple", "pink",
                                    "brown", "white", "black", "grey",   "golden", "silver"};

inline constexpr Words materials[] = {
    "paper",  "silk",      "rubber", "leather", "rag",   "wooden",  "tin",
    "glass",  "woollen",   "clay",   "china",   "straw", "felt",    "velvet",
    "wicker", "brass",     "silver", "golden",  "pearl", "copper",  "bronze",
    "bamboo", "patchwork", "beaded", "knitted", "woven", "picture", "rocking"};

/// How a broken thing is made whole.
enum class Mending : std::uint8_t { none, glue, sewing, nails, tape, knots };

namespace is {
enum : std::uint32_t {
  small = 1,  ///< fits in a hand or a pocket
  toy = 2,
  fragile = 4,  ///< breaks when it falls
  cloth = 8,    ///< tears
  worn = 16,    ///< clothes
  music = 32,
  gift = 64,  ///< what one gives
  precious = 128,
  house = 256,  ///< stands in a house
  tool = 512,
  plural = 1024,
  flies = 2048,
  floats = 4096,
  shines = 8192,
  farm = 16384,
};
}

struct ThingKind {
  Words noun;
  Words kinds;  ///< what it may be made of or look like, apart from its colour, by commas
  bool coloured;
  std::uint32_t tags;
  Mending mending;
  Words use;  ///< what one does with it: a pattern in which it is o
};
inline constexpr ThingKind things[] = {
    {"kite", "paper,silk,striped", true, is::toy | is::cloth | is::gift | is::flies, Mending::tape,
     "fly @o on the windy hill"},
    {"ball", "rubber,leather,bouncy", true, is::small | is::toy | is::gift | is::floats,
     Mending::none, "bounce @o against the wall"},
    {"doll", "rag,wooden,little", false, is::small | is::toy | is::cloth | is::gift,
     Mending::sewing, "dress @o in tiny clothes"},
    {"toy boat", "wooden,tin,little", true,
     is::small | is::toy | is::fragile | is::gift | is::floats, Mending::glue,
     "sail @o across the water"},
    {"toy train", "wooden,tin,shiny", true, is::toy | is::fragile | is::gift, Mending::glue,
     "push @o along the floor"},
    {"spinning top", "wooden,tin,painted", true, is::small | is::toy | is::gift, Mending::none,
     "spin @o on the floor"},
    {"drum", "little,tin,painted", true, is::toy | is::music | is::cloth | is::gift, Mending::tape,
     "beat @o with two sticks"},
    {"whistle", "tin,wooden,silver", false, is::small | is::toy | is::music | is::gift,
     Mending::none, "blow @o as loudly as possible"},
    {"puppet", "wooden,funny,little", false, is::small | is::toy | is::cloth | is::gift,
     Mending::sewing, "make @o dance"},
    {"teddy bear", "soft,old,fluffy", true, is::toy | is::cloth | is::gift, Mending::sewing,
     "hug @o at bedtime"},
    {"skipping rope", "long,striped,new", true, is::small | is::toy | is::gift, Mending::knots,
     "skip with @o in the yard"},
    {"hoop", "wooden,big,shiny", true, is::toy | is::gift, Mending::glue, "roll @o down the lane"},
    {"yo-yo", "wooden,shiny,little", true, is::small | is::toy | is::gift, Mending::knots,
     "swing @o up and down"},
    {"rocking horse", "wooden,big,painted", true, is::toy | is::house, Mending::nails,
     "rock to and fro on @o"},
    {"paper lantern", "round,pretty,little", true, is::fragile | is::gift | is::shines,
     Mending::tape, "hang @o in the window"},
    {"marble", "glass,shiny,striped", true, is::small | is::toy | is::gift | is::shines,
     Mending::none, "roll @o along the path"},
    {"toy cart", "wooden,little,painted", true, is::toy | is::fragile | is::gift, Mending::nails,
     "pull @o by a string"},
    {"toy rabbit", "woollen,soft,little", true, is::small | is::toy | is::cloth | is::gift,
     Mending::sewing, "carry @o everywhere"},
    {"locket", "silver,golden,tiny", false, is::small | is::precious | is::gift | is::shines,
     Mending::knots, "wear @o around the neck"},
    {"ring", "silver,golden,thin", false, is::small | is::precious | is::gift | is::shines,
     Mending::none, "wear @o on special days"},
    {"bracelet", "silver,beaded,pretty", false, is::small | is::precious | is::gift | is::shines,
     Mending::knots, "wear @o every day"},
    {"necklace", "pearl,silver,beaded", false, is::small | is::precious | is::gift | is::shines,
     Mending::knots, "wear @o to parties"},
    {"brooch", "silver,copper,pretty", false, is::small | is::precious | is::gift | is::shines,
     Mending::glue, "pin @o to a coat"},
    {"key", "rusty,brass,heavy", false, is::small | is::shines, Mending::none,
     "open the old chest with @o"},
    {"compass", "brass,little,old", false, is::small | is::precious | is::gift | is::shines,
     Mending::glue, "find the way with @o"},
    {"pocket watch", "silver,golden,old", false,
     is::small | is::precious | is::fragile | is::gift | is::shines, Mending::glue,
     "tell the time with @o"},
    {"music box", "little,wooden,painted", false,
     is::small | is::precious | is::fragile | is::music | is::gift, Mending::glue,
     "listen to the tune of @o"},
    {"medal", "bronze,silver,round", false, is::small | is::precious | is::shines, Mending::none,
     "look at @o"},
    {"telescope", "brass,long,little", false, is::precious | is::fragile | is::gift, Mending::glue,
     "look at the stars through @o"},
    {"magnifying glass", "round,little,old", false, is::small | is::fragile | is::gift,
     Mending::glue, "look at ants through @o"},
    {"notebook", "thick,little,leather", true, is::small | is::cloth | is::gift, Mending::tape,
     "write poems in @o"},
    {"storybook", "thick,old,picture", false, is::cloth | is::gift, Mending::tape,
     "read @o by the fire"},
    {"map", "old,folded,paper", false, is::small | is::cloth, Mending::tape,
     "study @o by candlelight"},
    {"paint box", "little,tin,new", false, is::small | is::gift, Mending::none,
     "paint pictures with @o"},
    {"scarf", "woollen,long,striped", true, is::cloth | is::worn | is::gift, Mending::sewing,
     "wear @o on cold days"},
    {"hat", "straw,felt,pointed", true, is::cloth | is::worn | is::gift, Mending::sewing,
     "wear @o in the sun"},
    {"cap", "woollen,knitted,warm", true, is::small | is::cloth | is::worn | is::gift,
     Mending::sewing, "wear @o in the wind"},
    {"cloak", "velvet,long,warm", true, is::cloth | is::worn | is::gift, Mending::sewing,
     "wrap up warmly in @o"},
    {"coat", "warm,woollen,new", true, is::cloth | is::worn, Mending::sewing,
     "wear @o in the snow"},
    {"mittens", "woollen,warm,knitted", true,
     is::small | is::cloth | is::worn | is::gift | is::plural, Mending::sewing,
     "wear @o in the snow"},
    {"boots", "leather,rubber,shiny", true, is::worn | is::plural, Mending::glue,
     "splash through the puddles in @o"},
    {"slippers", "soft,warm,felt", true, is::worn | is::plural | is::cloth | is::gift,
     Mending::sewing, "wear @o by the fire"},
    {"skates", "shiny,old,new", false, is::toy | is::plural | is::gift, Mending::nails,
     "glide over the ice on @o"},
    {"umbrella", "big,spotted,striped", true, is::cloth | is::gift, Mending::sewing,
     "stay dry under @o"},
    {"basket", "wicker,round,big", false, is::tool | is::farm, Mending::knots,
     "carry things in @o"},
    {"bell", "brass,silver,little", false, is::small | is::music | is::shines, Mending::none,
     "ring @o at noon"},
    {"flute", "wooden,silver,little", false, is::small | is::music | is::precious | is::gift,
     Mending::glue, "play songs on @o"},
    {"fiddle", "old,wooden,fine", false, is::music | is::precious | is::fragile, Mending::glue,
     "play merry tunes on @o"},
    {"trumpet", "brass,shiny,golden", false, is::music | is::precious, Mending::none,
     "blow @o at festivals"},
    {"guitar", "old,wooden,fine", false, is::music | is::precious | is::fragile, Mending::glue,
     "sing songs with @o"},
    {"vase", "china,glass,tall", true, is::fragile | is::house | is::gift, Mending::glue,
     "put flowers in @o"},
    {"teapot", "china,round,big", true, is::fragile | is::house | is::gift, Mending::glue,
     "make tea in @o"},
    {"cup", "china,little,pretty", true, is::small | is::fragile | is::house | is::gift,
     Mending::glue, "drink cocoa from @o"},
    {"bowl", "clay,china,painted", true, is::fragile | is::house | is::gift, Mending::glue,
     "eat soup from @o"},
    {"jug", "clay,china,big", true, is::fragile | is::house, Mending::glue, "pour milk from @o"},
    {"plate", "china,painted,round", true, is::fragile | is::house, Mending::glue,
     "serve cake on @o"},
    {"mirror", "round,oval,tall", false, is::fragile | is::house | is::shines, Mending::glue,
     "look into @o"},
    {"lamp", "glass,brass,little", true, is::fragile | is::house | is::shines, Mending::glue,
     "read beside @o"},
    {"clock", "wooden,old,ticking", false, is::fragile | is::house | is::precious, Mending::glue,
     "wind up @o every evening"},
    {"flowerpot", "clay,big,painted", false, is::fragile | is::house, Mending::glue,
     "grow tulips in @o"},
    {"picture frame", "wooden,golden,oval", false, is::fragile | is::house | is::gift,
     Mending::glue, "hang @o on the wall"},
    {"snow globe", "little,glass,pretty", false, is::small | is::fragile | is::gift | is::shines,
     Mending::glue, "shake @o and watch the snow fall"},
    {"model ship", "wooden,tall,fine", false, is::fragile | is::house | is::precious, Mending::glue,
     "admire @o"},
    {"chair", "wooden,old,high", false, is::house, Mending::nails, "sit on @o"},
    {"stool", "wooden,three-legged,low", false, is::house | is::farm, Mending::nails, "sit on @o"},
    {"birdhouse", "wooden,little,painted", true, is::gift, Mending::nails, "watch the birds in @o"},
    {"wheelbarrow", "wooden,old,big", true, is::tool | is::farm, Mending::nails,
     "push sacks along in @o"},
    {"sledge", "wooden,fast,long", true, is::toy | is::gift, Mending::nails,
     "race down the snowy hill on @o"},
    {"scooter", "fast,shiny,new", true, is::toy | is::gift, Mending::nails,
     "race along the lane on @o"},
    {"bicycle", "shiny,old,fast", true, is::precious, Mending::nails, "ride @o to the village"},
    {"fishing rod", "long,bamboo,old", false, is::tool | is::gift, Mending::knots,
     "catch fish with @o"},
    {"lantern", "brass,little,old", false, is::tool | is::fragile | is::shines, Mending::glue,
     "light the way with @o"},
    {"bucket", "tin,wooden,big", false, is::tool | is::farm, Mending::nails, "carry water in @o"},
    {"quilt", "patchwork,warm,soft", false, is::cloth | is::house | is::precious, Mending::sewing,
     "sleep under @o"},
    {"cushion", "velvet,round,soft", true, is::cloth | is::house | is::gift, Mending::sewing,
     "sit on @o"},
    {"flag", "striped,long,silk", true, is::cloth, Mending::sewing, "wave @o in the wind"},
    {"tent", "little,striped,old", true, is::cloth, Mending::sewing, "sleep in @o under the stars"},
    {"rag rug", "round,soft,woven", false, is::cloth | is::house, Mending::sewing, "sit on @o"},
    {"seashell", "spiral,smooth,pretty", true, is::small | is::gift | is::shines, Mending::none,
     "hear the sea in @o"},
    {"feather", "long,soft,spotted", true, is::small, Mending::none, "tickle people with @o"},
    {"pebble", "smooth,round,flat", true, is::small, Mending::none, "hold @o in the sun"},
    {"crystal", "clear,sparkling,tiny", false, is::small | is::precious | is::shines | is::gift,
     Mending::none, "watch the light dance in @o"},
    {"coin", "golden,silver,old", false, is::small | is::precious | is::shines, Mending::none,
     "toss @o in the air"}};

struct Food {
  Words noun, adjectives, made_from;
  bool mass;  ///< "some soup"; else "a pie"
  bool plural;
};
inline constexpr Food foods[] = {
    {"apple pie", "warm,sweet,golden", "apples, flour and butter", false, false},
    {"bread", "fresh,warm,crusty", "flour, water, salt and yeast", true, false},
    {"honey cakes", "sweet,sticky,little", "honey, eggs and flour", false, true},
    {"cherry tart", "sweet,red,little", "cherries and pastry", false, false},
    {"pancakes", "thin,golden,hot", "eggs, milk and flour", false, true},
    {"ginger biscuits", "crisp,spicy,brown", "ginger, butter and sugar", false, true},
    {"plum cake", "big,soft,juicy", "plums, eggs and flour", false, false},
    {"cheese sandwiches", "thick,fresh,tasty", "bread and cheese", false, true},
    {"strawberry jam", "sweet,red,sticky", "strawberries and sugar", true, false},
    {"nut bread", "dark,rich,fresh", "flour and hazelnuts", true, false},
    {"berry pie", "sweet,purple,juicy", "berries and pastry", false, false},
    {"lemon cake", "light,yellow,sweet", "lemons, eggs and flour", false, false},
    {"raisin buns", "soft,warm,round", "raisins, milk and flour", false, true},
    {"oat biscuits", "crunchy,round,golden", "oats, butter and honey", false, true},
    {"roast chestnuts", "hot,brown,tasty", "chestnuts from the wood", false, true},
    {"walnut cake", "brown,rich,sweet", "walnuts, eggs and sugar", false, false},
    {"cheese pie", "golden,hot,tasty", "cheese, eggs and flour", false, false},
    {"blueberry muffins", "soft,sweet,warm", "blueberries, flour and milk", false, true},
    {"almond biscuits", "crisp,thin,sweet", "almonds and sugar", false, true},
    {"pear tart", "juicy,sweet,golden", "pears and pastry", false, false},
    {"potato cakes", "crisp,golden,hot", "potatoes and onions", false, true},
    {"cinnamon rolls", "sticky,sweet,warm", "flour, butter and cinnamon", false, true},
    {"carrot cake", "soft,sweet,big", "carrots, eggs and flour", false, false},
    {"corn bread", "yellow,warm,soft", "corn flour and milk", true, false}};

// ---- places ----

namespace place {
enum : std::uint16_t {
  indoors = 1,
  home = 2,
  water = 4,
  wild = 8,
  dark = 16,
  work = 32,
  play = 64,
  high = 128,
  human = 256,
  animal = 512,
  road = 1024,
  both = human | animal
};
}

struct PlaceKind {
  Words noun, at, to;
  std::uint16_t tags;
  Words look;  ///< adjectives by commas
};
inline constexpr PlaceKind places[] = {
    {"kitchen", "in", "into", place::indoors | place::home | place::human, "warm,tidy"},
    {"attic", "in", "up to", place::indoors | place::home | place::dark | place::human,
     "dusty,dark"},
    {"cellar", "in", "down to", place::indoors | place::home | place::dark | place::both,
     "cool,dark"},
    {"garden", "in", "into", place::home | place::play | place::human, "green,sunny"},
    {"yard", "in", "into", place::home | place::play | place::human, "little,sunny"},
    {"barn", "in", "to", place::indoors | place::dark | place::human, "old,big"},
    {"stable", "in", "to", place::indoors | place::human, "warm,wooden"},
    {"henhouse", "in", "to", place::indoors | place::human, "little,noisy"},
    {"orchard", "in", "to", place::play | place::human, "old,sunny"},
    {"park", "in", "to", place::play | place::human, "big,green"},
    {"playground", "in", "to", place::play | place::human, "busy,noisy"},
    {"village green", "on", "to", place::play | place::human, "wide,grassy"},
    {"market square", "in", "to", place::work | place::human, "busy,crowded"},
    {"school", "at", "to", place::indoors | place::work | place::human, "little,old"},
    {"church tower", "in", "up to", place::indoors | place::high | place::human, "tall,old"},
    {"lighthouse", "in", "to", place::indoors | place::high | place::human, "tall,white"},
    {"railway station", "at", "to", place::work | place::human, "small,busy"},
    {"windmill", "by", "to", place::high | place::human, "old,creaking"},
    {"old well", "by", "to", place::water | place::human, "deep,mossy"},
    {"pond", "by", "to", place::water | place::play | place::both, "quiet,round"},
    {"lake", "by", "down to", place::water | place::play | place::both, "wide,blue"},
    {"river", "by", "down to", place::water | place::both, "wide,cold"},
    {"stream", "by", "to", place::water | place::both, "clear,quick"},
    {"waterfall", "by", "to", place::water | place::wild | place::both, "loud,silver"},
    {"beach", "on", "down to", place::water | place::play | place::human, "sandy,long"},
    {"harbour", "in", "down to", place::water | place::work | place::human, "busy,windy"},
    {"wood", "in", "into", place::wild | place::dark | place::both, "deep,green"},
    {"pine forest", "in", "into", place::wild | place::dark | place::both, "dark,silent"},
    {"meadow", "in", "to", place::wild | place::play | place::both, "sunny,flowery"},
    {"clearing", "in", "to", place::wild | place::play | place::animal, "quiet,sunny"},
    {"berry patch", "in", "to", place::wild | place::animal, "prickly,sunny"},
    {"hollow oak", "by", "to", place::wild | place::high | place::animal, "ancient,huge"},
    {"beech grove", "in", "to", place::wild | place::play | place::animal, "cool,green"},
    {"mossy rocks", "by", "to", place::wild | place::animal, "slippery,big"},
    {"reed bed", "in", "to", place::water | place::wild | place::animal, "tall,rustling"},
    {"hill", "on", "up", place::wild | place::high | place::play | place::both, "steep,grassy"},
    {"cave", "in", "to", place::wild | place::dark | place::both, "deep,echoing"},
    {"cornfield", "in", "to", place::wild | place::both, "golden,wide"},
    {"old bridge", "on", "to", place::water | place::road | place::both, "narrow,wooden"},
    {"crossroads", "at", "to", place::road | place::both, "dusty,lonely"},
    {"hedge", "by", "to", place::wild | place::road | place::both, "thick,thorny"},
    {"stone wall", "by", "to", place::road | place::both, "low,crumbling"}};

struct Setting {
  Words phrase;  ///< "in a small village by the sea"
  bool animals;
};
inline constexpr Setting settings[] = {{"in a small village by the sea", false},
                                       {"in a little town", false},
                                       {"on a farm at the foot of a hill", false},
                                       {"in a village in the mountains", false},
                                       {"in a house at the edge of a wood", false},
                                       {"in a town with crooked streets", false},
                                       {"in a cottage near a river", false},
                                       {"on a quiet island", false},
                                       {"in a valley full of apple trees", false},
                                       {"in a white house by a mill", false},
                                       {"above a bakery in an old town", false},
                                       {"in a village where everyone knew everyone", false},
                                       {"in a green forest", true},
                                       {"in a wood full of tall trees", true},
                                       {"by a winding river", true},
                                       {"at the edge of a sunny meadow", true},
                                       {"under the roots of an old oak", true},
                                       {"in a valley full of flowers", true},
                                       {"on the shore of a quiet lake", true},
                                       {"in a forest at the foot of the mountains", true}};

// ---- weather and time ----

enum class Sky : std::uint8_t { sunny, windy, rainy, snowy, foggy, stormy };
struct Weather {
  Sky sky;
  Words day;    ///< "sunny": of a morning or a day
  Words scene;  ///< a sentence
};
inline constexpr Weather weathers[] = {
    {Sky::sunny, "sunny", "The sky was blue and the birds were singing."},
    {Sky::sunny, "warm", "The sun shone on the roofs and the grass."},
    {Sky::sunny, "bright", "There was not a cloud in the sky."},
    {Sky::sunny, "fine", "The air smelled of flowers."},
    {Sky::sunny, "golden", "Bees were humming in the warm air."},
    {Sky::windy, "windy", "The trees swayed and leaves danced through the air."},
    {Sky::windy, "breezy", "White clouds raced across the sky."},
    {Sky::windy, "gusty", "The wind whistled round every corner."},
    {Sky::rainy, "rainy", "Grey clouds hung low and raindrops tapped on the leaves."},
    {Sky::rainy, "wet", "There were puddles everywhere."},
    {Sky::rainy, "grey", "A soft rain was falling."},
    {Sky::snowy, "snowy", "Everything was white and still."},
    {Sky::snowy, "frosty", "The ground was hard and the grass sparkled with frost."},
    {Sky::snowy, "cold", "Thick snow lay on every branch."},
    {Sky::foggy, "foggy", "The mist was so thick that the trees looked like ghosts."},
    {Sky::foggy, "misty", "A white mist covered the fields."},
    {Sky::stormy, "stormy", "Dark clouds were rolling in and the wind was rising."},
    {Sky::sunny, "spring", "The first flowers were opening their petals."},
    {Sky::sunny, "summer", "The air was warm and full of butterflies."},
    {Sky::windy, "autumn", "Red and yellow leaves covered the ground."},
    {Sky::snowy, "winter", "Icicles hung from the roofs."}};

inline constexpr Words day_times[] = {"morning", "day", "afternoon", "morning", "day"};

}  // namespace recipe

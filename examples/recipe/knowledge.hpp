// What is true of the world's animals, plants, materials, tools, trades and numbers.
#pragma once

#include <cstdint>
#include <string_view>

#include "words.hpp"

namespace recipe {

/// An animal as a child's encyclopedia has it. Verb phrases are in the base form.
struct AnimalFact {
  Words noun, kind, home, food, covering, young, voice, deed, group;
  std::uint8_t size;  ///< 1: an ant, 10: a whale
  bool night;         ///< awake at night
};
inline constexpr AnimalFact animal_facts[] = {
    {"fox", "mammal", "in a den under the ground", "mice, rabbits and berries",
     "red fur and a bushy tail", "cub", "bark", "hear a mouse under the snow", "family", 4, true},
    {"wolf", "mammal", "in forests and mountains", "deer and other animals", "thick grey fur",
     "cub", "howl", "run for many miles without a rest", "pack", 5, true},
    {"bear", "mammal", "in caves and thick forests", "fish, honey, roots and berries",
     "shaggy brown fur", "cub", "growl", "sleep through the cold winter", "family", 7, false},
    {"rabbit", "mammal", "in a burrow under the ground", "grass, clover and leaves",
     "soft fur and long ears", "kit", "thump", "hop away quickly when there is danger", "colony", 3,
     false},
    {"squirrel", "mammal", "in a nest high in a tree", "nuts, seeds and buds", "red or grey fur",
     "kit", "chatter", "hide nuts for the winter", "family", 3, false},
    {"hedgehog", "mammal", "under hedges and heaps of leaves", "beetles, worms and snails",
     "thousands of sharp spines", "hoglet", "snuffle", "roll up into a ball", "family", 3, true},
    {"badger", "mammal", "in a sett with many tunnels", "worms, roots and fruit",
     "grey fur and a striped face", "cub", "grunt", "dig faster than a person with a spade", "clan",
     4, true},
    {"mole", "mammal", "in tunnels under the meadow", "worms and grubs",
     "black fur as soft as velvet", "pup", "squeak", "find the way in the dark by touch", "family",
     2, false},
    {"otter", "mammal", "on the banks of rivers and lakes", "fish, crabs and frogs",
     "thick brown fur that keeps out water", "pup", "whistle", "close its ears when it dives",
     "family", 4, false},
    {"beaver", "mammal", "in a lodge of branches in the water", "bark, twigs and leaves",
     "brown fur and a flat tail", "kit", "slap the water with a flat tail",
     "build dams across streams", "family", 4, true},
    {"deer", "mammal", "in woods and meadows", "grass, buds and leaves", "short brown fur", "fawn",
     "bellow", "jump over high fences", "herd", 6, false},
    {"mouse", "mammal", "in holes in fields and houses", "grain, seeds and crumbs",
     "soft brown or grey fur", "pup", "squeak", "slip through a hole as small as a coin", "family",
     2, true},
    {"bat", "mammal", "in caves, barns and hollow trees", "moths and mosquitoes",
     "dark fur and wings of thin skin", "pup", "squeak",
     "find its way by the echo of its own voice", "colony", 2, true},
    {"horse", "mammal", "in stables and on pastures", "grass, hay and oats",
     "a smooth coat and a long mane", "foal", "neigh", "sleep standing up", "herd", 7, false},
    {"cow", "mammal", "on farms", "grass and hay", "a hide with brown, black or white patches",
     "calf", "moo", "chew the same food twice", "herd", 7, false},
    {"sheep", "mammal", "on farms and hillsides", "grass and herbs", "thick, curly wool", "lamb",
     "bleat", "remember many faces", "flock", 5, false},
    {"goat", "mammal", "on farms and in mountains", "leaves, grass and thistles",
     "rough hair and two horns", "kid", "bleat", "climb on steep rocks", "herd", 5, false},
    {"pig", "mammal", "on farms", "roots, turnips, grain and almost anything",
     "pink skin with bristles", "piglet", "grunt", "keep cool by rolling in the mud", "herd", 6,
     false},
    {"donkey", "mammal", "on farms", "hay, grass and thistles", "grey fur and long ears", "foal",
     "bray", "carry heavy loads up steep paths", "herd", 6, false},
    {"dog", "mammal", "with people", "meat and biscuits", "long or short hair", "puppy", "bark",
     "follow a smell for miles", "pack", 4, false},
    {"cat", "mammal", "with people", "mice, fish and meat", "soft fur and whiskers", "kitten",
     "meow", "see well when there is very little light", "family", 3, true},
    {"lion", "mammal", "on the grassy plains of Africa", "zebras and antelopes",
     "yellow fur; the male has a mane", "cub", "roar", "sleep for twenty hours a day", "pride", 7,
     false},
    {"tiger", "mammal", "in the jungles of Asia", "deer and wild pigs",
     "orange fur with black stripes", "cub", "roar", "swim across wide rivers", "family", 7, true},
    {"elephant", "mammal", "in Africa and Asia", "grass, leaves, bark and fruit", "thick grey skin",
     "calf", "trumpet", "drink and grasp things with its trunk", "herd", 9, false},
    {"giraffe", "mammal", "on the plains of Africa", "leaves from tall trees",
     "yellow fur with brown patches", "calf", "hum",
     "reach the highest branches with its long neck", "herd", 8, false},
    {"zebra", "mammal", "on the plains of Africa", "grass", "black and white stripes", "foal",
     "bray", "tell the others apart by their stripes", "herd", 7, false},
    {"monkey", "mammal", "in warm forests", "fruit, nuts and leaves", "brown or black hair",
     "infant", "chatter", "swing from branch to branch", "troop", 4, false},
    {"kangaroo", "mammal", "in Australia", "grass and shrubs", "brown or grey fur", "joey", "grunt",
     "carry its young in a pouch", "mob", 6, false},
    {"camel", "mammal", "in deserts", "dry grass and thorny bushes",
     "sandy fur and one or two humps", "calf", "grunt", "live for days without water", "caravan", 7,
     false},
    {"whale", "mammal", "in all the oceans", "tiny shrimps or fish", "smooth, thick skin", "calf",
     "sing long songs under water", "hold its breath for an hour", "pod", 10, false},
    {"dolphin", "mammal", "in the sea", "fish and squid", "smooth grey skin", "calf",
     "click and whistle", "leap high out of the water", "pod", 7, false},
    {"seal", "mammal", "on cold, rocky coasts", "fish and squid", "short, shiny fur", "pup", "bark",
     "dive for half an hour", "colony", 6, false},
    {"polar bear", "mammal", "on the ice of the Arctic", "seals", "thick white fur over black skin",
     "cub", "growl", "swim for days in icy water", "family", 8, false},
    {"penguin", "bird", "in the cold south", "fish and shrimps", "black and white feathers",
     "chick", "honk", "swim fast, although it cannot fly", "colony", 4, false},
    {"owl", "bird", "in hollow trees and old barns", "mice and voles", "soft brown feathers",
     "owlet", "hoot", "fly without a sound", "parliament", 3, true},
    {"eagle", "bird", "on high cliffs and tall trees", "fish, hares and other birds",
     "brown feathers and a hooked beak", "eaglet", "scream", "see a hare from a mile away", "pair",
     5, false},
    {"robin", "bird", "in gardens and woods", "worms, insects and berries",
     "brown feathers and a red breast", "chick", "sing", "sing even in winter", "pair", 2, false},
    {"swallow", "bird", "under the roofs of barns", "gnats and flies",
     "dark blue feathers and a forked tail", "chick", "twitter", "fly to Africa every autumn",
     "flock", 2, false},
    {"stork", "bird", "in big nests on roofs", "frogs, fish and insects",
     "white feathers with black tips", "chick", "clap with its long beak",
     "stand on one leg for hours", "flock", 5, false},
    {"duck", "bird", "on ponds and rivers", "water plants and snails",
     "oily feathers that stay dry", "duckling", "quack", "tip up to feed under the water", "flock",
     3, false},
    {"goose", "bird", "on farms and lakes", "grass and grain", "white or grey feathers", "gosling",
     "honk", "fly in the shape of a wedge", "flock", 4, false},
    {"hen", "bird", "on farms", "grain, worms and grass", "brown, white or black feathers", "chick",
     "cluck", "lay an egg almost every day", "flock", 3, false},
    {"swan", "bird", "on lakes and quiet rivers", "water weed", "snow-white feathers", "cygnet",
     "hiss and honk", "stay with one mate for life", "flock", 5, false},
    {"parrot", "bird", "in warm forests", "fruit, nuts and seeds",
     "bright green, red or blue feathers", "chick", "squawk", "learn to say words", "flock", 3,
     false},
    {"woodpecker", "bird", "in holes in trees", "grubs under the bark",
     "black, white and red feathers", "chick", "drum on the wood", "knock twenty times in a second",
     "pair", 3, false},
    {"ostrich", "bird", "on dry plains", "plants and seeds", "black or grey feathers and bare legs",
     "chick", "boom", "run faster than a horse", "flock", 6, false},
    {"frog", "amphibian", "in ponds and wet meadows", "flies, slugs and worms", "smooth, wet skin",
     "tadpole", "croak", "catch flies with its sticky tongue", "army", 2, true},
    {"toad", "amphibian", "in gardens and damp woods", "slugs, ants and beetles",
     "dry skin with warts", "tadpole", "croak", "return to the pond where it was born", "knot", 2,
     true},
    {"snake", "reptile", "in grass, sand and stones", "mice, frogs and eggs", "dry scales",
     "hatchling", "hiss", "smell with its forked tongue", "nest", 4, false},
    {"lizard", "reptile", "on warm walls and rocks", "spiders and insects", "small scales",
     "hatchling", "make hardly a sound", "drop its tail when it is caught", "lounge", 2, false},
    {"turtle", "reptile", "in ponds, rivers and the sea", "water plants, worms and fish",
     "a hard shell", "hatchling", "hiss", "live for more than eighty years", "bale", 4, false},
    {"crocodile", "reptile", "in warm rivers", "fish and big animals", "thick scales", "hatchling",
     "bellow", "wait under the water without moving", "float", 8, true},
    {"salmon", "fish", "in rivers and in the sea", "insects and small fish", "silver scales", "fry",
     "make no sound", "leap up waterfalls to lay its eggs", "shoal", 4, false},
    {"shark", "fish", "in the sea", "fish and seals", "rough grey skin", "pup", "make no sound",
     "grow new teeth all its life", "shoal", 8, false},
    {"goldfish", "fish", "in ponds and tanks", "flakes, plants and small worms",
     "shiny golden scales", "fry", "make no sound", "remember where it is fed", "shoal", 2, false},
    {"bee", "insect", "in hives", "nectar and pollen", "brown and yellow hairs", "larva", "buzz",
     "tell the others by a dance where the flowers are", "swarm", 1, false},
    {"ant", "insect", "in nests under the ground", "seeds, insects and sweet juice",
     "a hard, shiny skin", "larva", "make hardly a sound", "carry many times its own weight",
     "colony", 1, false},
    {"butterfly", "insect", "in meadows and gardens", "nectar from flowers",
     "four wings with coloured scales", "caterpillar", "make no sound", "taste with its feet",
     "flutter", 1, false},
    {"ladybird", "insect", "on leaves and stems", "greenfly", "red wings with black spots", "larva",
     "make no sound", "pretend to be dead when it is touched", "cluster", 1, false},
    {"grasshopper", "insect", "in dry meadows", "grass and leaves", "a green or brown skin",
     "nymph", "chirp", "jump twenty times its own length", "cloud", 1, false},
    {"dragonfly", "insect", "near ponds and streams", "gnats and flies",
     "a long body and four clear wings", "nymph", "rustle", "fly backwards", "swarm", 1, false},
    {"spider", "arachnid", "in webs, cracks and corners", "flies and gnats",
     "eight legs and fine hairs", "spiderling", "make no sound",
     "spin a thread that is stronger than steel of the same size", "cluster", 1, true},
    {"snail", "mollusc", "in gardens and woods", "leaves, lettuce and algae",
     "a soft body and a spiral shell", "hatchling", "make no sound", "sleep through a dry summer",
     "walk", 1, true},
    {"octopus", "mollusc", "among rocks in the sea", "crabs and shells", "soft skin and eight arms",
     "larva", "make no sound", "change its colour in a moment", "group", 4, true},
    {"crab", "crustacean", "on beaches and in the sea", "algae, worms and shells",
     "a hard shell and two claws", "larva", "click with its claws", "walk sideways", "cast", 2,
     false},
    {"earthworm", "worm", "in the soil", "dead leaves", "smooth, moist skin", "small worm",
     "make no sound", "make the earth loose and rich", "bed", 1, true}};

struct PlantFact {
  Words noun, kind, grows, looks, use, season;
};
inline constexpr PlantFact plant_facts[] = {
    {"oak", "tree", "in woods and parks", "a thick trunk and leaves with round lobes",
     "gives acorns to squirrels and strong wood for beams", "autumn"},
    {"birch", "tree", "in light woods", "white bark and thin twigs", "gives firewood and brooms",
     "spring"},
    {"pine", "tree", "in dry and sandy woods", "needles that stay green all year",
     "gives wood, resin and cones", "winter"},
    {"beech", "tree", "in shady forests", "smooth grey bark",
     "gives nuts and firewood that burns well", "autumn"},
    {"willow", "tree", "beside rivers", "long branches that hang down to the water",
     "gives twigs for baskets", "spring"},
    {"apple tree", "tree", "in orchards", "white and pink blossoms",
     "gives red, green or yellow apples", "autumn"},
    {"cherry tree", "tree", "in gardens", "white blossoms", "gives sweet or sour cherries",
     "summer"},
    {"maple", "tree", "in woods and streets", "leaves like open hands", "gives sweet sap for syrup",
     "autumn"},
    {"palm", "tree", "in hot countries", "a tall trunk without branches", "gives dates or coconuts",
     "summer"},
    {"sunflower", "flower", "in fields and gardens", "a big yellow head on a tall stem",
     "gives seeds and oil", "summer"},
    {"rose", "flower", "in gardens and hedges", "soft petals and sharp thorns",
     "gives a sweet scent", "summer"},
    {"tulip", "flower", "from a bulb in the garden", "one cup of bright petals",
     "gives colour to the first warm days", "spring"},
    {"snowdrop", "flower", "from a bulb in woods and gardens", "a small white bell",
     "tells us that winter is ending", "winter"},
    {"daisy", "flower", "in lawns and meadows", "white petals round a yellow middle",
     "gives children chains and crowns", "spring"},
    {"poppy", "flower", "in cornfields", "thin red petals", "gives tiny black seeds for bread",
     "summer"},
    {"dandelion", "flower", "almost everywhere", "a yellow head that turns into a white ball",
     "gives food to bees and rabbits", "spring"},
    {"lavender", "herb", "on dry, sunny hills", "purple flowers on thin stems",
     "gives a scent that keeps moths away", "summer"},
    {"mint", "herb", "in damp corners of the garden", "green leaves with a fresh smell",
     "gives tea and flavour", "summer"},
    {"parsley", "herb", "in pots and gardens", "curly green leaves", "gives flavour to soups",
     "summer"},
    {"carrot", "vegetable", "under the ground", "an orange root and feathery leaves",
     "can be eaten raw or cooked", "summer"},
    {"potato", "vegetable", "under the ground", "brown skin and white or yellow flesh",
     "can be boiled, baked or fried", "autumn"},
    {"onion", "vegetable", "in the earth, with its top in the light", "many layers of skin",
     "makes people cry when it is cut", "autumn"},
    {"pumpkin", "vegetable", "on a long creeping stem", "a thick orange skin",
     "can be made into soup or a lantern", "autumn"},
    {"cabbage", "vegetable", "in rows in the field", "a round head of leaves",
     "can be cooked or kept in salt", "winter"},
    {"pea", "vegetable", "in pods on a climbing stem", "small green balls",
     "can be eaten straight from the pod", "summer"},
    {"bean", "vegetable", "in pods on a pole", "smooth seeds of many colours",
     "can be dried and kept all winter", "summer"},
    {"tomato", "fruit", "on a bushy plant in the sun", "a thin red skin and juicy flesh",
     "can be eaten in salads and sauces", "summer"},
    {"cucumber", "fruit", "on a creeping plant", "a long green body",
     "can be sliced for salads or pickled", "summer"},
    {"strawberry", "fruit", "close to the ground", "a red skin with tiny seeds",
     "can be eaten fresh or made into jam", "summer"},
    {"blackberry", "fruit", "on thorny bushes", "many small black beads", "can be made into pies",
     "autumn"},
    {"grape", "fruit", "in bunches on a vine", "a smooth green or purple skin",
     "can be dried to make raisins", "autumn"},
    {"lemon", "fruit", "on trees in warm countries", "a yellow peel and sour juice",
     "can be made into lemonade", "winter"},
    {"banana", "fruit", "in big bunches in hot countries", "a thick yellow peel",
     "can be eaten without a knife", "summer"},
    {"wheat", "grain", "in wide fields", "golden ears on long stalks",
     "can be ground into flour for bread", "summer"},
    {"oats", "grain", "in cool fields", "loose ears that hang down", "can be cooked into porridge",
     "summer"},
    {"rice", "grain", "in flooded fields", "thin green stalks", "feeds more than half of the world",
     "autumn"},
    {"moss", "small plant", "in shady, wet places", "a soft green cushion",
     "keeps water like a sponge", "spring"},
    {"fern", "small plant", "in damp woods", "leaves that unroll like a spiral",
     "has no flowers and no seeds", "spring"},
    {"ivy", "climbing plant", "on walls and trees", "dark leaves that stay green",
     "gives shelter to birds", "winter"},
    {"cactus", "desert plant", "in hot, dry deserts", "a thick stem with spines",
     "stores water for months", "summer"},
    {"nettle", "wild plant", "beside paths and walls", "leaves with stinging hairs",
     "feeds the caterpillars of many butterflies", "summer"},
    {"clover", "wild plant", "in meadows", "three round leaves and a pink head",
     "feeds bees, cows and rabbits", "summer"}};

struct MaterialFact {
  Words noun, origin, traits, uses, opposite;
};
inline constexpr MaterialFact material_facts[] = {
    {"wood", "comes from trees", "hard, light and warm to the touch",
     "tables, boats, floors and pencils", "burns and floats"},
    {"iron", "is melted out of ore in a hot furnace", "strong, heavy and grey",
     "nails, hammers, railings and bridges", "rusts when it stays wet"},
    {"steel", "is iron with a little carbon", "very strong and springy",
     "knives, rails, springs and ships", "is hard to bend"},
    {"gold", "is found in rocks and rivers", "soft, heavy and yellow", "rings, coins and crowns",
     "never rusts"},
    {"silver", "is dug out of the earth", "bright, smooth and soft",
     "spoons, mirrors and jewellery", "turns dark with time"},
    {"copper", "is dug out of the earth", "reddish and easy to bend", "wires, pots and pipes",
     "turns green in the rain"},
    {"glass", "is made of melted sand", "clear, hard and smooth", "windows, bottles and lenses",
     "breaks when it falls"},
    {"clay", "is dug from the ground", "soft and sticky while it is wet", "bricks, bowls and tiles",
     "becomes hard in the fire"},
    {"paper", "is made of wood fibres", "thin, light and smooth", "books, letters, bags and kites",
     "tears easily and burns"},
    {"leather", "is made from the skins of animals", "tough and bendy", "shoes, belts and saddles",
     "keeps out the wind"},
    {"wool", "comes from sheep", "soft, warm and curly", "jumpers, scarves and blankets",
     "keeps warm even when it is damp"},
    {"cotton", "grows on a bush in white balls", "soft and light", "shirts, sheets and towels",
     "soaks up water"},
    {"silk", "is spun by silkworms", "thin, smooth and shiny", "scarves, ribbons and fine dresses",
     "is stronger than it looks"},
    {"rubber", "comes from the juice of a tree", "stretchy and bouncy", "balls, tyres and boots",
     "keeps out water"},
    {"plastic", "is made from oil", "light and easy to shape", "bottles, toys and buckets",
     "does not rot for a very long time"},
    {"stone", "is found in mountains and quarries", "hard, heavy and cold",
     "walls, bridges and statues", "lasts for thousands of years"},
    {"sand", "is stone that has been ground very fine", "loose and grainy",
     "glass, mortar and sandcastles", "runs through the fingers"},
    {"wax", "is made by bees", "soft when it is warm", "candles and polish", "melts near a flame"},
    {"ice", "is frozen water", "cold, hard and slippery", "cooling food and drinks",
     "melts in the sun"},
    {"straw", "is the dry stalks of grain", "light, yellow and hollow",
     "hats, roofs and beds for animals", "catches fire quickly"},
    {"cork", "is the bark of an oak", "light and soft", "stoppers, floors and floats",
     "floats on water"},
    {"salt", "comes from the sea and from mines", "white and grainy",
     "cooking and keeping food fresh", "dissolves in water"},
    {"charcoal", "is wood that has been burned with little air", "black, light and brittle",
     "drawing and grilling", "makes black fingers"},
    {"concrete", "is mixed from cement, sand, stones and water", "grey and as hard as stone",
     "houses, dams and roads", "sets in a few hours"}};

struct ToolFact {
  Words noun, use, parts, user;
};
inline constexpr ToolFact tool_facts[] = {
    {"hammer", "drive nails into wood", "a heavy head and a handle", "carpenters"},
    {"saw", "cut wood", "a blade with sharp teeth", "carpenters"},
    {"screwdriver", "turn screws", "a handle and a narrow tip", "mechanics"},
    {"spade", "dig the earth", "a flat blade and a long handle", "gardeners"},
    {"rake", "gather leaves", "a row of teeth on a long handle", "gardeners"},
    {"watering can", "water plants", "a spout with many small holes", "gardeners"},
    {"needle", "sew cloth", "a sharp point and an eye for the thread", "tailors"},
    {"pair of scissors", "cut paper and cloth", "two blades that meet", "tailors"},
    {"ladder", "reach high places", "two long poles and many rungs", "painters and firefighters"},
    {"broom", "sweep the floor", "bristles on a long stick", "everyone at home"},
    {"bucket", "carry water", "a handle and a round bottom", "farmers and cleaners"},
    {"compass", "find north", "a needle that is a small magnet", "sailors and hikers"},
    {"telescope", "see things that are far away", "two or more lenses in a tube",
     "astronomers and sailors"},
    {"microscope", "see things that are very small", "strong lenses and a lamp", "scientists"},
    {"thermometer", "measure heat", "a thin tube with a coloured liquid", "doctors and cooks"},
    {"clock", "tell the time", "a face with twelve numbers and two hands", "everyone"},
    {"scale", "weigh things", "a plate and a pointer", "grocers and cooks"},
    {"ruler", "measure lengths", "a straight edge with little marks", "pupils and builders"},
    {"oven", "bake bread and cakes", "a door, a rack and a source of heat", "bakers"},
    {"pot", "cook soup", "a round body, a lid and two handles", "cooks"},
    {"whisk", "beat eggs and cream", "loops of wire on a handle", "cooks"},
    {"plough", "turn over the soil", "a sharp blade that is pulled", "farmers"},
    {"fishing net", "catch fish", "many knots and meshes", "fishermen"},
    {"anchor", "hold a ship in its place", "two hooks and a heavy chain", "sailors"},
    {"wheelbarrow", "move earth and stones", "one wheel and two handles", "builders and gardeners"},
    {"paintbrush", "put paint on a wall", "bristles on a wooden handle", "painters"},
    {"lantern", "give light outdoors", "a flame or bulb behind glass", "travellers"},
    {"pump", "move water", "a handle and a pipe", "farmers and firefighters"},
    {"key", "open a lock", "teeth that fit only one lock", "everyone"},
    {"umbrella", "stay dry in the rain", "thin ribs under a round cloth", "walkers"},
    {"axe", "split logs", "a sharp edge on a long handle", "woodcutters"},
    {"magnet", "pick up iron", "two ends called poles", "engineers"},
    {"lever", "lift heavy things", "a long bar and a point to rest on", "builders"},
    {"pulley", "lift loads with a rope", "a wheel with a groove", "sailors and builders"}};

struct VehicleFact {
  Words noun, moves, driver, power, carries;
};
inline constexpr VehicleFact vehicle_facts[] = {
    {"bicycle", "on two wheels along roads and paths", "a rider", "the legs of the rider",
     "one person"},
    {"bus", "on roads", "a bus driver", "an engine", "many people"},
    {"train", "on rails", "a train driver", "electricity, diesel or steam", "hundreds of people"},
    {"tram", "on rails in the streets of a city", "a tram driver", "electricity", "many people"},
    {"car", "on four wheels along roads", "a driver", "an engine or a battery", "a few people"},
    {"lorry", "on many wheels along roads", "a lorry driver", "a strong engine", "heavy goods"},
    {"tractor", "on fields", "a farmer", "a strong engine", "ploughs and trailers"},
    {"ship", "on the sea", "a captain", "big engines", "people and goods"},
    {"sailing boat", "on lakes and the sea", "a sailor", "the wind", "a small crew"},
    {"rowing boat", "on rivers and lakes", "a rower", "the arms of the rower",
     "two or three people"},
    {"submarine", "under the water", "a captain", "engines and batteries", "a crew"},
    {"aeroplane", "through the air", "a pilot", "engines", "many people across the oceans"},
    {"helicopter", "straight up into the air", "a pilot", "a rotor that spins",
     "rescuers and sick people"},
    {"hot-air balloon", "wherever the wind blows", "a balloonist", "hot air",
     "a few people in a basket"},
    {"rocket", "into space", "an astronaut", "burning fuel", "astronauts and satellites"},
    {"sledge", "over snow", "a rider", "a slope, a horse or dogs", "children and firewood"},
    {"cart", "on two or four wheels", "a carter", "a horse, an ox or a donkey", "hay and sacks"},
    {"fire engine", "on roads", "a firefighter", "a strong engine", "ladders, hoses and water"},
    {"ambulance", "on roads", "a driver", "an engine", "people who are hurt or ill"}};

struct InstrumentFact {
  Words noun, played, family, sound;
};
inline constexpr InstrumentFact instrument_facts[] = {
    {"violin", "with a bow", "string", "high and sweet"},
    {"cello", "with a bow", "string", "deep and warm"},
    {"guitar", "with the fingers", "string", "soft and ringing"},
    {"harp", "with the fingers", "string", "bright and gentle"},
    {"flute", "by blowing across a hole", "wind", "clear and high"},
    {"clarinet", "by blowing on a reed", "wind", "round and dark"},
    {"oboe", "by blowing on two reeds", "wind", "thin and sad"},
    {"trumpet", "by buzzing with the lips", "brass", "loud and bright"},
    {"tuba", "by buzzing with the lips", "brass", "very low"},
    {"horn", "by buzzing with the lips", "brass", "soft and noble"},
    {"drum", "with sticks or hands", "percussion", "short and loud"},
    {"triangle", "with a metal rod", "percussion", "fine and silvery"},
    {"xylophone", "with two mallets", "percussion", "dry and cheerful"},
    {"piano", "by pressing keys", "keyboard", "rich and full"},
    {"organ", "by pressing keys and pedals", "keyboard", "mighty"},
    {"accordion", "by pressing keys and pulling", "keyboard", "merry"}};

struct JobFact {
  Words noun, place, deed, needs, good;
};
inline constexpr JobFact job_facts[] = {
    {"baker", "in a bakery", "make bread, rolls and cakes", "an oven, flour and yeast",
     "getting up early"},
    {"farmer", "on a farm", "grow food and keep animals", "fields, a barn and a tractor",
     "watching the weather"},
    {"doctor", "in a hospital or a surgery", "help people who are ill",
     "medicine and a stethoscope", "listening"},
    {"nurse", "in a hospital", "look after the sick by day and by night",
     "bandages and much patience", "being kind"},
    {"teacher", "in a school", "help children to learn", "books, a board and chalk",
     "explaining things"},
    {"firefighter", "in a fire station", "put out fires and rescue people",
     "hoses, ladders and helmets", "staying calm"},
    {"police officer", "in the streets and at a station", "keep people safe and find thieves",
     "a uniform and a radio", "seeing small details"},
    {"carpenter", "in a workshop", "build things of wood", "saws, hammers and nails",
     "measuring exactly"},
    {"blacksmith", "in a forge", "shape hot iron", "a fire, an anvil and a hammer",
     "hitting in the right place"},
    {"tailor", "in a tailor's shop", "sew and mend clothes", "needles, thread and scissors",
     "working with care"},
    {"potter", "in a pottery", "make bowls and jugs of clay", "a wheel and a kiln",
     "having steady hands"},
    {"fisherman", "on the sea", "catch fish with nets", "a boat and warm clothes",
     "reading the waves"},
    {"sailor", "on a ship", "set the sails and keep watch", "ropes and maps", "tying knots"},
    {"pilot", "in a cockpit", "fly an aeroplane", "instruments and a radio", "staying awake"},
    {"librarian", "in a library", "lend books and find answers", "shelves and a catalogue",
     "keeping order"},
    {"gardener", "in gardens and parks", "plant flowers and cut hedges", "spades, shears and seeds",
     "waiting"},
    {"shepherd", "on hills and meadows", "guard a flock of sheep", "a crook and a good dog",
     "being alone"},
    {"miller", "in a mill", "grind grain into flour", "two millstones and wind or water",
     "hearing when a wheel runs badly"},
    {"beekeeper", "beside beehives", "look after bees and gather honey", "a veil, gloves and smoke",
     "moving slowly"},
    {"builder", "on a building site", "build houses and walls", "bricks, mortar and cranes",
     "climbing"},
    {"plumber", "in houses", "mend pipes and taps", "wrenches and seals", "finding leaks"},
    {"electrician", "in houses", "lay wires and mend lamps", "pliers and testers",
     "being very careful"},
    {"mechanic", "in a garage", "repair cars", "spanners and oil",
     "finding out why something does not work"},
    {"cook", "in a kitchen", "prepare meals", "pots, knives and spices", "tasting"},
    {"painter", "in houses or in a studio", "paint walls or pictures", "brushes, ladders and paint",
     "choosing colours"},
    {"musician", "in a concert hall", "play music for others", "an instrument and much practice",
     "hearing every note"},
    {"astronaut", "in a spaceship", "explore space", "a spacesuit and years of training",
     "working in a small room"},
    {"scientist", "in a laboratory", "find out how the world works", "instruments and questions",
     "checking twice"},
    {"vet", "in a surgery or on farms", "treat sick animals", "medicine and gentle hands",
     "calming animals"},
    {"judge", "in a court", "decide who is right", "the law and a fair mind", "hearing both sides"},
    {"journalist", "in a newspaper office", "write about what has happened",
     "a notebook and many questions", "asking"},
    {"bus driver", "on the roads", "take people where they want to go", "a licence and a timetable",
     "being on time"},
    {"lighthouse keeper", "in a lighthouse", "keep the light burning for ships", "a strong lamp",
     "watching in the night"},
    {"clockmaker", "in a clock shop", "make and repair clocks",
     "tiny wheels and a magnifying glass", "working with very small things"}};

/// A phenomenon of weather, sky or earth, in sentences of its own.
struct NatureFact {
  Words topic;
  Words sentences;  ///< separated by |
};
inline constexpr NatureFact nature_facts[] = {
    {"rain",
     "Rain is water that falls from clouds.|The sun warms the sea, and water rises into the air as "
     "vapour.|High up it is cold, so the vapour turns into tiny drops.|The drops join and grow "
     "heavy, and then they fall.|Plants, animals and people need rain to live."},
    {"snow",
     "Snow is made of tiny crystals of ice.|Every crystal has six arms.|Snow falls when the air is "
     "colder than the point where water freezes.|Fresh snow is full of air, and so it keeps the "
     "ground warm.|When it melts, it fills the streams."},
    {"fog",
     "Fog is a cloud that lies on the ground.|It is made of very small drops of water.|Fog often "
     "comes on cool autumn mornings.|Ships blow their horns in fog so that they do not hit each "
     "other.|When the sun grows strong, the fog disappears."},
    {"thunder and lightning",
     "Lightning is a giant spark between a cloud and the earth.|It heats the air so quickly that "
     "the air bangs, and that is thunder.|Light is faster than sound, so we see the flash before "
     "we hear the bang.|If you count three seconds between them, the storm is about one kilometre "
     "away.|In a storm, it is safest indoors."},
    {"the rainbow",
     "A rainbow appears when the sun shines on rain.|The drops bend the light and split it into "
     "colours.|The colours are red, orange, yellow, green, blue and violet.|To see a rainbow, you "
     "must have the sun behind you.|Nobody can ever reach the end of it."},
    {"wind",
     "Wind is air that moves.|Warm air rises, and cooler air flows in to take its place.|A light "
     "wind is called a breeze, and a very strong one a storm.|Wind turns mills, fills sails and "
     "carries seeds.|A weather vane shows where the wind comes from."},
    {"the moon",
     "The moon travels round the earth in about four weeks.|It does not shine by itself but "
     "reflects the light of the sun.|Sometimes we see all of its bright side, and then it is "
     "full.|When we see none of it, it is called new.|The moon pulls at the sea and makes the "
     "tides."},
    {"the sun",
     "The sun is a star.|It is so big that a million earths would fit into it.|Its light needs "
     "eight minutes to reach us.|The sun gives us light and warmth, and without it nothing could "
     "grow.|Never look straight into the sun, because it hurts the eyes."},
    {"the stars",
     "Stars are suns that are very far away.|By day we cannot see them, because the sky is too "
     "bright.|People have given names to pictures in the stars.|The pole star always stands in the "
     "north.|Long ago, sailors found their way by the stars."},
    {"the earth",
     "The earth is a ball that spins once a day.|On the side that faces the sun it is day, and on "
     "the other side it is night.|In one year, the earth travels once round the sun.|Most of it is "
     "covered by water.|A thin layer of air surrounds it, and we breathe that air."},
    {"the tides",
     "Twice a day, the sea rises and falls.|When the water is high, it is called high tide, and "
     "when it is low, low tide.|The tides are made by the pull of the moon.|At low tide, one can "
     "find shells and crabs on the beach.|Fishermen need to know the times of the tides."},
    {"rivers",
     "A river begins at a spring.|On its way, streams flow into it, and it grows wider.|At the "
     "end, it flows into a lake or the sea.|A river can turn wheels and carry boats.|In thousands "
     "of years, it can cut a deep valley into rock."},
    {"mountains",
     "Mountains are made when parts of the earth push against each other.|The higher one climbs, "
     "the colder it gets.|That is why there is snow on high mountains even in summer.|Some "
     "mountains are volcanoes.|The highest mountain on earth is Mount Everest."},
    {"volcanoes",
     "A volcano is a mountain with an opening at the top.|Deep under it, the rock is so hot that "
     "it melts.|Melted rock that comes out is called lava.|When lava cools, it becomes hard black "
     "stone.|The soil near a volcano is very rich."},
    {"the sea",
     "The water of the sea is salty, because rivers bring salt from the land.|The sea is home to "
     "fish, whales, crabs and plants.|In the deepest places, it is dark and very cold.|The wind "
     "makes waves on its surface.|One must not drink sea water."},
    {"deserts",
     "A desert is a place where it hardly ever rains.|Some deserts are hot and sandy, and others "
     "are cold.|Days in a hot desert are burning, and nights are cool.|Plants in the desert have "
     "long roots or thick stems.|A place with water in the desert is called an oasis."},
    {"forests",
     "A forest is more than many trees.|Mushrooms, mosses, beetles, birds and deer live there "
     "together.|Leaves clean the air and give us oxygen.|Roots hold the soil so that the rain does "
     "not wash it away.|Dead leaves turn into new earth."},
    {"the four seasons",
     "A year has four seasons: spring, summer, autumn and winter.|In spring, buds open and birds "
     "build nests.|In summer, the days are long and warm.|In autumn, leaves turn yellow and fruit "
     "is ripe.|In winter, the days are short and it may snow."},
    {"the months",
     "A year has twelve months.|January is the first and December the last.|Most months have "
     "thirty or thirty-one days.|February has only twenty-eight days, and in a leap year "
     "twenty-nine.|A leap year comes every four years."},
    {"the week",
     "A week has seven days.|They are called Monday, Tuesday, Wednesday, Thursday, Friday, "
     "Saturday and Sunday.|On Saturday and Sunday there is no school.|Yesterday is the day before "
     "today, and tomorrow is the day after.|A year has fifty-two weeks."},
    {"the clock",
     "A day has twenty-four hours.|An hour has sixty minutes, and a minute has sixty seconds.|The "
     "short hand of a clock shows the hour, and the long hand shows the minutes.|At noon, both "
     "hands point to twelve.|Before there were clocks, people used the shadow of the sun."},
    {"the five senses",
     "We have five senses.|We see with our eyes, hear with our ears and smell with our noses.|We "
     "taste with our tongues and feel with our skin.|The tongue can taste sweet, sour, salty and "
     "bitter.|Some animals have much better senses than we do."},
    {"the heart",
     "The heart is a muscle as big as a fist.|It pumps blood through the whole body.|It beats "
     "about seventy times a minute, and faster when we run.|Blood brings oxygen and food to every "
     "part of us.|The heart never stops to rest, not even when we sleep."},
    {"bones",
     "Bones hold us up and protect what is soft inside.|A grown-up has more than two hundred "
     "bones.|The skull protects the brain, and the ribs protect the heart and the lungs.|Bones "
     "meet at joints, such as the knee and the elbow.|A broken bone can grow together again."},
    {"teeth",
     "We bite with our front teeth and chew with our back teeth.|Children lose their milk teeth "
     "and get bigger ones.|Sugar makes holes in teeth.|That is why we brush our teeth in the "
     "morning and in the evening.|A dentist looks after sick teeth."},
    {"sleep",
     "When we sleep, the body rests and the brain sorts what it has learned.|Children need more "
     "sleep than grown-ups.|A dream is a story that the brain tells itself.|Some animals sleep by "
     "day and are awake at night.|Without enough sleep, we become tired and cross."},
    {"magnets",
     "A magnet pulls iron and steel.|It does not pull wood, glass or paper.|Every magnet has a "
     "north pole and a south pole.|Unlike poles pull each other, and like poles push each other "
     "away.|The needle of a compass is a magnet."},
    {"shadows",
     "A shadow appears where something stops the light.|At noon, shadows are short, and in the "
     "evening they are long.|A shadow always lies on the side away from the light.|Clear glass "
     "makes almost no shadow.|With a lamp and two hands, one can make shadow animals on a wall."},
    {"sound",
     "Sound is made when something moves to and fro very quickly.|A string, a drum or a voice "
     "makes the air tremble.|The trembling travels through the air to our ears.|In a cave, sound "
     "comes back from the walls as an echo.|Where there is no air, there is no sound."},
    {"fire",
     "A fire needs three things: something that burns, air and heat.|If one of them is missing, "
     "the fire goes out.|Water cools a fire, and sand keeps the air away.|Fire gives light and "
     "warmth, but it is dangerous.|Children should never play with matches."},
    {"water",
     "Water can be liquid, solid or a gas.|When it freezes, it becomes ice, and when it boils, it "
     "becomes steam.|Ice is lighter than water, and so it floats.|People, animals and plants "
     "cannot live without water.|Clean water has no taste and no smell."},
    {"floating",
     "Some things float, and others sink.|Wood, cork and ice float on water.|Stones, coins and "
     "nails sink.|A big iron ship floats because it is hollow and full of air.|Salt water carries "
     "things better than fresh water."},
    {"seeds",
     "A seed holds a tiny plant and some food for it.|It needs water, air and warmth to "
     "sprout.|First a root grows down, and then a shoot grows up.|Some seeds fly with the wind, "
     "and others stick to fur.|Birds carry seeds in their stomachs to new places."},
    {"bread",
     "Bread is made of flour, water, salt and yeast.|Yeast makes little bubbles in the dough, and "
     "so the dough rises.|Then the dough is shaped into loaves and baked in a hot oven.|The crust "
     "becomes brown and crisp.|People have baked bread for thousands of years."},
    {"cheese",
     "Cheese is made from the milk of cows, sheep or goats.|First the milk is made sour, and it "
     "becomes thick.|The thick part is pressed into a shape and salted.|Some cheese is eaten "
     "fresh, and some lies in a cellar for a year.|The holes in cheese are made by bubbles."},
    {"honey",
     "Bees collect sweet juice from flowers.|In the hive, they put it into cells of wax and fan it "
     "dry with their wings.|So it becomes thick and golden honey.|A bee makes less than a spoonful "
     "of honey in its whole life.|Honey keeps for many years."},
    {"letters",
     "A letter needs an envelope, an address and a stamp.|It is thrown into a letter box and taken "
     "to the post office.|There the letters are sorted by town and street.|Trains, lorries and "
     "aeroplanes carry them far away.|At last a postman brings them to the door."},
    {"money",
     "Money makes trading easier.|Long ago, people traded goods for goods, such as a goat for a "
     "sack of corn.|Later they used shells, silver and gold.|Today there are coins, notes and "
     "numbers in a bank.|A thing that many people want and few people have is expensive."},
    {"traffic",
     "At a red light, everyone must stop.|At a green light, one may go.|Yellow tells drivers that "
     "the light is about to change.|Before you cross a road, look to both sides.|On a bicycle, it "
     "is wise to wear a helmet."},
    {"being polite",
     "When we ask for something, we say please.|When we get something, we say thank you.|When we "
     "have hurt someone, we say sorry.|It is polite to listen until others have finished.|Kind "
     "words cost nothing."},
    {"friendship",
     "Friends like to be together.|They share their things, their secrets and their "
     "worries.|Sometimes friends quarrel, but then they make up.|A good friend tells the truth, "
     "even when it is not pleasant.|Friends can be very different from each other."},
    {"colours",
     "Red, yellow and blue are the first three colours of a paint box.|Red and yellow make "
     "orange.|Yellow and blue make green, and blue and red make violet.|White makes a colour "
     "lighter, and black makes it darker.|If you mix all of them, you get brown."},
    {"shapes",
     "A circle is round and has no corners.|A triangle has three sides and three corners.|A square "
     "has four sides, and they are all equally long.|A rectangle has four corners, too, but two of "
     "its sides are longer.|A ball is a sphere, and a dice is a cube."},
    {"maps",
     "A map is a picture of the land from above.|North is usually at the top, and south at the "
     "bottom.|East is on the right, and west is on the left.|Blue lines are rivers, and black "
     "lines are often railways.|With a map and a compass, one can find the way."},
    {"bridges",
     "A bridge carries a road or a path over water or a valley.|The simplest bridge is a log "
     "across a stream.|An arch of stone is strong because every stone presses against the "
     "next.|Long bridges hang on thick steel ropes.|Some bridges can be opened to let ships "
     "through."},
    {"castles",
     "A castle was a strong house for a lord and his people.|It often stood on a hill or was "
     "surrounded by water.|Its walls were thick, and its windows were narrow.|The bridge over the "
     "moat could be pulled up.|Today most castles are ruins or museums."},
    {"the library",
     "A library is a house full of books.|One can read them there or borrow them.|The books stand "
     "in order, so that they can be found.|In a library, people speak softly.|A book must be "
     "brought back in time for the next reader."},
    {"candles",
     "A candle has a wick in the middle and wax around it.|The flame melts the wax, and the wick "
     "soaks it up and burns it.|The flame is hottest near the top.|Without air, a candle goes "
     "out.|Before there was electric light, people read by candles."},
    {"steam engines",
     "A steam engine burns coal or wood to boil water.|The steam needs much more room than the "
     "water.|It pushes a piston to and fro, and the piston turns a wheel.|Steam engines pulled "
     "trains and drove factories.|They changed the world about two hundred years ago."}};

struct Opposite {
  Words one, other, example;
};
inline constexpr Opposite opposites[] = {{"big", "small", "an elephant|a mouse"},
                                         {"hot", "cold", "fire|ice"},
                                         {"day", "night", ""},
                                         {"fast", "slow", "a hare|a snail"},
                                         {"heavy", "light", "a stone|a feather"},
                                         {"hard", "soft", "iron|butter"},
                                         {"high", "low", "a tower|a stool"},
                                         {"old", "young", "a grandfather|a baby"},
                                         {"wet", "dry", "the sea|the desert"},
                                         {"loud", "quiet", "thunder|a whisper"},
                                         {"sweet", "sour", "honey|a lemon"},
                                         {"full", "empty", ""},
                                         {"rough", "smooth", "bark|glass"},
                                         {"long", "short", "a river|a blink"},
                                         {"thick", "thin", "a dictionary|a leaf"},
                                         {"strong", "weak", "an ox|a kitten"},
                                         {"sharp", "blunt", "a needle|a spoon"},
                                         {"bright", "dark", "the sun|a cellar"},
                                         {"deep", "shallow", "a well|a puddle"},
                                         {"wide", "narrow", "a field|a path"},
                                         {"clean", "dirty", "a washed plate|a muddy boot"},
                                         {"new", "old", "a fresh loaf|a ruin"},
                                         {"early", "late", ""},
                                         {"open", "closed", ""},
                                         {"brave", "timid", ""},
                                         {"kind", "cruel", ""},
                                         {"rich", "poor", ""},
                                         {"true", "false", ""},
                                         {"straight", "crooked", "a ruler|a root"},
                                         {"tight", "loose", ""},
                                         {"fresh", "stale", "a warm roll|an old crust"},
                                         {"ripe", "unripe", "a red cherry|a green one"},
                                         {"cheap", "expensive", "a button|a crown"},
                                         {"easy", "difficult", ""},
                                         {"safe", "dangerous", "a path|a cliff"}};

/// How something is done: a title in the base form, what is needed, and steps.
struct Procedure {
  Words title, needs, steps;  ///< steps separated by |
};
inline constexpr Procedure procedures[] = {
    {"plant a bean", "a bean, a pot, some earth and water",
     "fill the pot with earth|press the bean into the earth, as deep as your finger is long|water "
     "it a little|put the pot on a sunny windowsill|wait for about a week until a green shoot "
     "comes up"},
    {"make pancakes", "two eggs, milk, flour and a pan",
     "beat the eggs|stir in the milk and the flour|melt a little butter in the pan|pour in some "
     "batter|turn the pancake over when its edge is brown"},
    {"make a paper boat", "one sheet of paper",
     "fold the paper in half|fold the two upper corners to the middle|fold up the edges on both "
     "sides|open it from below and press it into a square|pull the two points apart"},
    {"brush your teeth", "a toothbrush, toothpaste and water",
     "wet the brush|put a little toothpaste on it|brush the outside, the inside and the top of "
     "every tooth|spit out the foam|rinse your mouth"},
    {"make vegetable soup", "carrots, potatoes, leeks, water and salt",
     "wash and peel the vegetables|cut them into small pieces|boil the water in a big pot|cook the "
     "vegetables until they are soft|add a little salt and stir"},
    {"build a fire in a stove", "paper, small twigs, logs and a grown-up",
     "open the air flap|put paper and twigs into the stove|let a grown-up light the paper|lay a "
     "log on top when the twigs burn well|close the door"},
    {"wash your hands", "water and soap",
     "wet your hands|rub them with soap|count slowly to twenty|rinse them under clean water|dry "
     "them with a towel"},
    {"tie your shoes", "two laces",
     "cross the laces and pull them tight|make a loop with one lace|lead the other lace round the "
     "loop|push it through the hole|pull both loops"},
    {"make lemonade", "two lemons, sugar and cold water",
     "cut the lemons in half|press out the juice|stir in some sugar|add cold water|put in a few "
     "leaves of mint"},
    {"make a kite", "two thin sticks, paper, glue and string",
     "lay the sticks across each other and tie them together|stretch a string round the four "
     "ends|glue the paper over the string|tie on a long tail|tie a string to the middle"},
    {"look after a hen", "grain, water, straw and a henhouse",
     "open the henhouse in the morning|give the hen grain and fresh water|let it scratch in the "
     "grass|collect the egg|close the door in the evening because of the fox"},
    {"make a snowman", "plenty of wet snow, a carrot, some stones and a hat",
     "roll a big ball of snow|roll a smaller ball and put it on top|set a still smaller ball on "
     "that for the head|press in stones for the eyes and a carrot for the nose|put the hat on its "
     "head"},
    {"send a letter", "paper, a pen, an envelope and a stamp",
     "write the letter|fold it and put it into the envelope|write the name and the address on the "
     "front|stick the stamp in the corner|drop it into the letter box"},
    {"clean a cut", "clean water, soap and a plaster",
     "wash your hands|let clean water run over the cut|dry the skin around it|put the plaster "
     "on|tell a grown-up"},
    {"bake an apple", "an apple, raisins, honey and an oven",
     "wash the apple|cut out the core|fill the hole with raisins and honey|put the apple into a "
     "dish|bake it for half an hour"},
    {"make butter", "cream, a jar with a lid and strong arms",
     "pour the cream into the jar|close the lid|shake the jar for ten minutes until there is a "
     "lump|pour off the milk|press the lump under cold water"},
    {"find north", "a watch or a clear night",
     "wait until noon|look where the sun stands, for that is south|turn your back to the sun|look "
     "straight ahead|at night, look for the pole star instead"},
    {"cross a road", "good eyes and good ears",
     "stop at the edge of the pavement|look to one side and then to the other|listen for cars|wait "
     "until the road is clear|walk across without running"}};

}  // namespace recipe

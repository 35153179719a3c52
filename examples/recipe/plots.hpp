// The plots: wants, accidents, fears and plans that set a world moving, and what comes of them.
//
// Each draws its people, things and places from the world, and at each turn looks at what is the
// case (somebody's nature, who can do what, what the weather is, what has happened) before it
// draws what happens next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "simulation.hpp"

namespace recipe {

/// Where a thing may be out of reach, why, and what gets it out: a borrowed tool, somebody's gift,
/// or a good idea. Predicates of clauses with the doer a and the thing o.
struct Spot {
  Words where;
  Words failure;  ///< the predicate of a clause of a, then what spoils it
  Words tool, lender, tool_use;
  Gift gift;
  Words gift_use;
  Words idea;
};

inline constexpr Spot high_up = {
    "high up in a tree",
    "<jump> as high as possible, but the branch <be.3> much too high",
    "long ladder",
    "farmer",
    "<lean> the ladder against the trunk, <climb> up and <bring> @o down",
    Gift::climbs,
    "<climb> up the trunk as quick as lightning and <drop> @o into the grass",
    "<find> a long stick and <poke> at the branch until $o <fall> down"};
inline constexpr Spot in_water = {
    "in the middle of the water",
    "<stretch> out as far as possible, but the water <be.3> too deep",
    "fishing net",
    "fisherman",
    "<dip> the net into the water and <pull> @o out",
    Gift::swims,
    "<dive> in, <swim> out and <push> @o back to the bank",
    "<throw> little stones behind @o until the waves <carry.past> @o to the bank"};
inline constexpr Spot in_hole = {"at the bottom of a deep, narrow hole",
                                 "<lie> down and <reach> into the hole, but it <be.3> too deep",
                                 "ball of strong string",
                                 "weaver",
                                 "<tie> a bent pin to the string and <pull> @o up",
                                 Gift::tiny,
                                 "<slip> into the hole and <push> @o out",
                                 "<bend> a long twig into a hook and <lift> @o out"};
inline constexpr Spot under_stone = {
    "under a big fallen stone",
    "<push> and <push>, but the stone <not move>",
    "iron bar",
    "blacksmith",
    "<push> the iron bar under the stone and <lift> it a little, and out <come.past> @o",
    Gift::strong,
    "<roll> the stone away as if it <be.3> a pebble",
    "<dig> away the earth beside the stone and <pull> @o out"};
inline constexpr Spot in_thorns = {"in the middle of a thorn bush",
                                   "<try> to get @o out, but the sharp thorns <prick.past>",
                                   "garden rake",
                                   "gardener",
                                   "<pull> @o out of the thorns with the rake",
                                   Gift::tiny,
                                   "<creep> under the thorns and <bring> @o out without a scratch",
                                   "<lift> @o out with two long sticks"};
inline constexpr Spot on_roof = {"on the edge of a roof",
                                 "<climb> on a box, but the roof <be.3> still too high",
                                 "tall stepladder",
                                 "painter",
                                 "<climb> the stepladder and <take> @o down",
                                 Gift::flies,
                                 "<fly> up to the roof and <push> @o over the edge",
                                 "<tie> two broomsticks together and <push> @o down"};
inline constexpr Spot in_mud = {"deep in the sticky mud",
                                "<take> one step and <sink> in up to the knees",
                                "wide plank",
                                "carpenter",
                                "<lay> the plank over the mud, <walk> along it and <pull> @o out",
                                Gift::digs,
                                "<dig> away the mud and <bring> @o out",
                                "<lay> branches over the mud and <crawl> along them to get @o"};

class Plots : public Simulation {
 public:
  using Simulation::Simulation;

  using Plot = void (Plots::*)();

  void lost() {
    begin("something lost", "hopeful");
    const Id a = child(maybe(0.3) ? trait::careless : 0);
    const ThingKind& kind = thing_kind(is::gift, is::house);
    const Id o = thing(kind, a);
    introduce(a, o);
    const Id p = somewhere(place::play | place::wild | place::water, place::indoors);
    const Spot* spot = nullptr;
    const bool small = (kind.tags & is::small) != 0;
    const bool light = (kind.tags & (is::flies | is::cloth)) != 0;
    if (weather_->sky == Sky::snowy || weather_->sky == Sky::stormy) fair_weather();
    bool known = true;  // where it is
    if (light && (weather_->sky == Sky::windy || maybe(0.15))) {
      one_day("take", {.a = a, .o = o, .p = p}, "<take> @o +p");
      tell("lose", {.a = a, .o = o},
           "[Suddenly|All at once], a strong wind came and [blew|carried] @o away.|"
           "A gust of wind pulled at @o, and [before $a <can> do anything|a moment later] $o <be> "
           "gone.");
      spot = maybe(0.75) || plan_.animals ? &high_up : &on_roof;
    } else if (small && (kind.tags & is::shines) != 0 && maybe(0.6)) {
      one_day("leave", {.a = a, .o = o, .p = p}, "<put> @o down =p and <go> to pick some flowers");
      tell("lose", {.a = a, .o = o},
           "A magpie saw something shine. It picked up @o with its beak and flew away.|"
           "When $a <come> back, $o <be> not there. A black-and-white feather lay in the grass.");
      spot = &high_up;
    } else if ((at(p).noun == "river" || at(p).noun == "lake" || at(p).noun == "pond" ||
                at(p).noun == "stream" || at(p).noun == "old bridge") &&
               maybe(0.8)) {
      one_day("play", {.a = a, .o = o, .p = p}, "<go> +p with @o");
      tell("lose", {.a = a, .o = o},
           "$a <slip> on a wet stone, and $o <fall> into the water with a splash.|"
           "$a <lean> over too far, and $o <drop> into the water.");
      spot = &in_water;
    } else if (small) {
      one_day("walk", {.a = a, .o = o, .p = p}, "<go> for a walk +p with @o in ^a pocket");
      tell(
          "lose", {.a = a, .o = o},
          "There was a hole in the pocket, but $a <not know> it.|"
          "$a <run> and <jump> all the way, and something fell out of the pocket without a sound.");
      then("notice", {.a = a, .o = o},
           "When $a <get> home, $o <be> gone.|At home, $a <reach> into ^a pocket, but it was "
           "empty.");
      spot = pick(std::array{&in_hole, &in_thorns, &in_mud});
      known = false;
    } else {
      one_day("play", {.a = a, .o = o, .p = p},
              "<take> @o +p and <play> there until it <be.3> late");
      then("forget", {.a = a, .o = o},
           "$a <run> home for supper and <leave> @o behind.|"
           "$a <be> so hungry that $a <hurry> home without @o.");
      tell("notice", {.a = a, .o = o},
           "[At bedtime|That evening|In the evening], $a <look> for @o everywhere, but $o <be> not "
           "there.");
      spot = pick(std::array{&in_thorns, &under_stone, &in_mud});
      known = false;
    }
    feel(a, maybe(0.7) ? Mood::sad : Mood::worried);
    paragraph();
    const Id b = maybe(0.6) ? child() : relative(a, true);
    if (at(b).owner == nobody)
      tell("meet", {.a = a, .b = b},
           plan_.animals ? "Just then, ~b came along.|^a friend `b, *b, came to see what was wrong."
                         : "^a friend `b came by.|Just then, $b, ^a best friend, came along.");
    ask_matter(b, a, known ? "$b <had lose> ^b %o" : "$o <be> gone", o);
    if (!known) search(a, b, o, p);
    tell("see", {.a = a, .b = b, .o = o, .w = spot->where},
         known ? "$ab <look> at @o, #w.|$o <be> #w."
               : "There $o <be>, #w!|At last $a <see> @o #w.|\"(b:a)Look, {call a}! I see @o!\" "
                 "{cry b}. $o <be> #w.");
    get_out(a, b, o, *spot);
    feel(a, maybe() ? Mood::happy : Mood::relieved);
    thank(a, b);
    paragraph();
    if (!known && small)
      tell("end", {.a = a, .o = o},
           "That evening, $a <sew> up the hole in ^a pocket, and $a never <lose> @o again.|"
           "From that day on, $a <look> into ^a pockets before every walk.");
    else
      tell("end", {.a = a, .b = b, .o = o},
           "From that day on, $a <take> better care of @o.|"
           "After that, $a always <hold> on to @o tightly.|"
           "From then on, $a never <leave> @o alone again.|"
           "And whenever $a <look> at @o, $a <think> of @b.");
  }

  void broken() {
    begin("something broken", "honest", 0.3);
    const Id a = child(maybe(0.5) ? trait::careless | trait::merry : 0);
    introduce(a);
    const Id b = maybe(0.7) ? relative(a, true) : child();
    const ThingKind& kind = thing_kind(is::fragile);
    const Id o = thing(kind, b);
    tell("own", {.a = b, .b = a, .o = o, .u = kind.use},
         at(b).owner == nobody
             ? "^b friend `a <have> ~o and <love> it very much.|^b friend `a <be> very proud of ^a "
               "*o."
             : "$a <have> ~o. It was very old, and everybody had to be careful with it.|"
               "In the house there was ~o. $a <love> it because it had been a present.|"
               "$a <be> very fond of ^a *o.");
    const std::string_view wild = maybe()
                                      ? "<play> indoors, although $a <be> not allowed to run there"
                                      : "<dance> round the room and <not look> where $a <be> going";
    one_day("play", {.a = a, .o = o, .u = pick({"ball", "hoop", "paper plane", "wooden sword"})},
            wild);
    tell(
        "break", {.a = a, .o = o},
        "$a <bump> into the table, and $o <fall> to the floor. Crash! $o <be> broken.|"
        "[Suddenly|Then] there was a loud crash. $o <lie> on the floor in [two|three|many] pieces.|"
        "$a <knock> @o over, and $o <break> into pieces.");
    feel(a, maybe() ? Mood::afraid : Mood::sorry);
    const bool hides =
        is_a(a, trait::timid | trait::proud | trait::careless) ? maybe(0.7) : maybe(0.25);
    if (hides) {
      then("hide", {.a = a, .o = o},
           "$a <pick> up the pieces and <hide> them under the bed|"
           "$a <push> the pieces under the rug|"
           "$a <put> the pieces into a box and <say> nothing");
      paragraph();
      tell("ask", {.a = b, .b = a, .o = o},
           "[Later|In the evening|Soon], $a <look> for @o. \"(a:b)Where <be.3> my %o?\" {ask a}.|"
           "When $a <come> in, $a <see> that $o <be> gone. \"(a:b){call b}, have you seen my %o?\" "
           "{ask a}.");
      tell("lie", {.a = a, .b = b, .o = o},
           "\"(a:b)[I do not know|No, I have not|Perhaps the cat took it],\" {say a}.|"
           "$a <shake> ^a head and <not look> up.");
      but("regret", {.a = a, .b = b},
          "$a <can> not sleep that night. The lie felt like a stone in ^a stomach.|"
          "$a <feel> worse and worse. $a <not want> to play, and ^a supper did not taste good.");
      so("confess", {.a = a, .b = b, .o = o},
         "In the morning, $a <go> to @b. \"(a:b)I broke your %o, and then I told a lie,\" $a "
         "<say>.|"
         "At last $a <tell> @b the truth.");
    } else {
      const bool honest = is_a(a, trait::honest | trait::bold);
      so("confess", {.a = a, .b = b, .o = o},
         honest ? "$a <go> straight to @b. \"(a:b)I have broken your %o,\" $a <say>.|"
                  "$a <not run> away. $a <go> to @b and <say>, \"(a:b)I broke your %o.\""
                : "For a moment, $a <want> to hide the pieces. Then $a <go> to @b and <tell> @b "
                  "the truth.|"
                  "$a <think> about running away, but $a <know> that it would be wrong. So $a "
                  "<tell> @b everything.");
    }
    apologise(a, b);
    const bool cross = maybe(hides ? 0.6 : 0.35);
    tell("answer", {.a = b, .b = a, .o = o},
         cross ? "$a <be> cross at first, but then $a <look> at ^b sad face.|"
                 "At first $a <say> nothing and only <pick> up one of the pieces."
               : "$a <look> at the pieces and <sigh>. \"(a:b)I am glad that you told me the "
                 "truth,\" {say a}.|"
                 "\"(a:b)Thank you for telling me,\" {say a}. \"(a:b)A %o can be mended. A lie is "
                 "harder to mend.\"");
    paragraph();
    mend(a, b, o);
    forgive(b, a);
    paragraph();
    tell("end", {.a = a, .b = b, .o = o},
         hides ? "From that day on, $a always <tell> the truth, even when it was hard.|"
                 "$a never <tell> a lie about a broken thing again.|"
                 "That night, $a <sleep> well, because there was nothing to hide."
               : "From that day on, $a <walk> slowly wherever there were things that could break.|"
                 "And $a <learn> that an honest word makes things better.|"
                 "After that, $a <play> outside, and $o <be> safe.");
  }

  void earn() {
    begin("something to work for", "cheerful");
    const Id a = child();
    introduce(a);
    const ThingKind& kind = thing_kind(is::gift);
    const Job& trade = job();
    const Id o = thing(kind);
    one_day("see", {.a = a, .o = o}, "<see> ~o in the window of a shop");
    tell(
        "want", {.a = a, .o = o, .u = kind.use},
        "\"(a)How I would like to #u!\" {say a}.|$a <can> think of nothing else.|"
        "$a <want> so much to #u.|$a <stand> before the window for a long time and <dream> of @o.");
    but("lack", {.a = a, .o = o, .w = pick({"three", "four", "five", "six", "seven", "eight"})},
        "$o <cost> #w coins, and $a <have> [none|only one].|"
        "$a <have> no money, and $o <cost> #w coins.");
    if (is_a(a, trait::impatient | trait::selfish) && maybe(0.6)) {
      const Id m = relative(a, true);
      tell("ask", {.a = a, .b = m, .o = o},
           "\"(a:b){call b}, please buy me ~o!\" {say a}. \"(b:a)You must earn the money "
           "yourself,\" {answer b}.|"
           "$a <beg> @b for the money, but $b <shake> ^b head. \"(b:a)Work for it, and it will "
           "truly be yours,\" {say b}.");
    } else {
      so("plan", {.a = a, .o = o},
         "\"(a)I will work and save,\" {say a}.|$a <decide> to earn the money.|"
         "$a <make> up ^a mind to earn every coin.");
    }
    paragraph();
    const Id b = worker(trade);
    const Id p = workplace(trade);
    go(a, p);
    tell("ask", {.a = a, .b = b, .p = p, .w = trade.work},
         "\"(a:b)[Good morning, {call b}.|Hello, {call b}.] [Can I help you|Do you need any help|"
         "Is there any work for me]?\" {ask a}.|"
         "There, $b <be> beginning to #w. \"(a:b)[Can I help you|Do you need any help|"
         "Is there any work for me]?\" {ask a}.");
    tell("agree", {.a = b, .b = a, .w = trade.chore},
         "\"(a:b)If you #w, I will pay you,\" {say a}.|"
         "\"(a:b)Yes, you can #w,\" {say a}.|"
         "$a <be> glad of the help. \"(a:b)Would you #w?\" {ask a}.");
    then("work", {.a = a, .w = trade.chore},
         "$a <begin> to #w|$a <#w>|All [day|morning|afternoon], $a <#w>.");
    if (is_a(a, trait::careless | trait::impatient) && maybe(0.7)) {
      but("mistake", {.a = a, .b = b},
          "$a <be> in a hurry and <make> a mess. \"(b:a)Slowly, {call a},\" {say b}. So $a <begin> "
          "again, and this time "
          "$a <do> it well.|"
          "$a <do> half of it wrong. $b <show> @a how to do it, and $a <try> again.");
    } else if (maybe(0.5)) {
      tell("tire", {.a = a},
           "It was hard work, but $a <not give> up.|^a arms ached, but $a <go> on.|"
           "$a <sing> while $a <work>, and the time flew by.");
    }
    tell("pay", {.a = b, .b = a},
         "\"(a:b)[Well done|You work well|You have earned this],\" {say a}, and $a <give> @b "
         "[some|a few|the] coins.|"
         "$a <be> pleased and <pay> @b well.");
    if (maybe(0.3)) {
      tell("work", {.a = a},
           "The next day $a <come> back, and the day after that, too.|$a <work> there for a whole "
           "week.");
    }
    paragraph();
    const double kind_heart = is_a(a, trait::generous) ? 0.6 : 0.25;
    if (maybe(kind_heart)) {
      const Id c = child();
      tell("meet", {.a = a, .b = c},
           "On the way to the shop, $a <meet> ~b[ who <be> crying|, who <be> crying]. \"(b:a)I "
           "have lost the money for "
           "our bread,\" {say b}.|"
           "On the way to the shop, $a <see> ~b who <be> shivering with cold and <have> nothing to "
           "eat.");
      tell("doubt", {.a = a, .b = c, .o = o},
           "$a <think> of @o in the window. Then $a <look> at @b.|"
           "$a <hold> ^a coins tightly. It was not easy.");
      so("give", {.a = a, .b = c},
         "$a <give> ^a coins to @b. \"(a:b)[You need them more than I do|Take them],\" {say a}.|"
         "$a <buy> bread and milk for @b instead.");
      thank(c, a);
      paragraph();
      if (maybe(0.6)) {
        tell("reward", {.a = b, .b = a, .o = o},
             "When $a <hear> about it, $a <go> to the shop, <buy> @o and <give> @o to @b. "
             "\"(a:b)[A good heart should be rewarded|This is for you, because you are kind],\" "
             "{say a}.");
        feel(a, Mood::happy);
        tell("end", {.a = a, .b = c, .o = o},
             "After that, $ab <become> good friends.|And from then on, $ab often <play> together.");
      } else {
        tell("end", {.a = a, .b = c, .o = o},
             "$a <go> home without @o, but $a <feel> warm inside.|"
             "$a <not have> @o, but now $a <have> a friend, and that was worth more.");
      }
    } else {
      so("buy", {.a = a, .o = o},
         "$a <run> to the shop and <buy> @o|"
         "$a <count> ^a coins twice, <go> to the shop and <buy> @o");
      at(o).owner = nobody;
      feel(a, maybe(0.6) ? Mood::proud : Mood::happy);
      paragraph();
      tell("end", {.a = a, .o = o, .u = kind.use},
           "Every day after that, $a <love> to #u, and $a never <forget> how hard the work had "
           "been.|"
           "$a <love> @o more than anything, because $a <had pay> for @o with ^a own work.|"
           "Now $a <can> #u whenever $a <like>.");
    }
  }

  void lending() {
    begin("something lent", "friendly");
    const Id a = child();
    const ThingKind& kind = thing_kind(is::gift, is::house);
    const Id o = thing(kind, a);
    introduce(a, o);
    const Id b = child();
    paragraph();
    tell("ask", {.a = b, .b = a, .o = o, .u = kind.use, .x = pick(day_times), .y = weather_->day},
         "[One #y #x|One #x], ^b friend `a came to visit. \"(a:b)May I borrow your %o?\" {ask a}. "
         "\"(a:b)I would so like to #u.\"|"
         "[One #y #x|On a #y #x], ^b friend `a <look> at @o. \"(a:b)Please lend me your %o [for a "
         "day|until tomorrow],\" {say a}.");
    const bool refuses = is_a(a, trait::selfish) ? maybe(0.85) : maybe(0.2);
    if (refuses) {
      tell("refuse", {.a = a, .b = b, .o = o},
           "\"(a:b)No! [It is mine|I never lend my things|I need it myself],\" {say a}.|"
           "$a <shake> ^a head and <turn> away.");
      if ((kind.tags & is::plural) != 0)
        retold("\"(a:b)No! I never lend my things,\" {say a}.|$a <shake> ^a head and <turn> away.");
      so("leave", {.a = b, .b = a},
         "$a <go> home sadly|$a <walk> away without a word|$a <go> away with tears in ^a eyes");
      paragraph();
      tell("alone", {.a = a, .o = o, .u = kind.use},
           "$a <try> to #u, but it was no fun to be alone.|"
           "Now $a <have> @o, but nobody to play with.");
      feel(a, Mood::lonely);
      const Id m = relative(a, true);
      tell("advise", {.a = m, .b = a},
           "\"(a:b)A thing that is shared makes two people happy,\" {say a}.|"
           "\"(a:b)Things cannot laugh with you, but friends can,\" {say a}.");
      then("think", {.a = a, .b = b},
           "$a <think> about it [all night|for a long time|until bedtime].");
      so("offer", {.a = a, .b = b, .o = o},
         "[The next morning|So the next day], $a <run> to ^b house. \"(a:b)[Here is my %o|You can "
         "have my %o today]. "
         "[Let us play together|I was unkind yesterday],\" {say a}.");
      if ((kind.tags & is::plural) != 0)
        retold(
            "[The next morning|So the next day], $a <run> to ^b house. \"(a:b)You can have my %o "
            "today. "
            "[Let us play together|I was unkind yesterday],\" {say a}.");
      feel(b, Mood::happy);
      paragraph();
      tell("end", {.a = a, .b = b, .o = o},
           "$ab <take> turns with @o until the sun went down.|"
           "They played all day, and $a <find> that it was twice as much fun with a friend.|"
           "From that day on, $ab <share> everything.");
      return;
    }
    tell("lend", {.a = a, .b = b, .o = o},
         "\"(a:b)[Of course|Yes|All right], but [please be careful|take good care of it|bring it "
         "back tomorrow],\" {say a}.|"
         "$a <think> for a moment. Then $a <give> @o to @b.");
    if ((kind.tags & is::plural) != 0)
      retold(
          "\"(a:b)[Of course|Yes|All right], but please be careful,\" {say a}.|"
          "$a <think> for a moment. Then $a <give> @o to @b.");
    const bool careless =
        is_a(b, trait::careless | trait::impatient | trait::merry) ? maybe(0.7) : maybe(0.35);
    const Id p = somewhere(place::play | place::wild, place::indoors);
    then("take", {.a = b, .o = o, .p = p}, "$a <take> @o and <run> +p|$a <carry> @o +p");
    if (careless && kind.mending != Mending::none) {
      but("damage", {.a = b, .o = o},
          (kind.tags & is::cloth) != 0 ? "$o <catch> on a branch and <tear>.|$a <run> too fast, "
                                         "<fall> over a root and <tear> @o."
                                       : "$a <run> too fast and <fall>, and $o <break>.|$a <let> "
                                         "@o fall on a stone, and $o <break>.");
      feel(b, maybe() ? Mood::afraid : Mood::sorry);
      const bool tells = is_a(b, trait::honest | trait::bold | trait::generous) || maybe(0.6);
      if (!tells) {
        tell("avoid", {.a = b, .b = a},
             "For two days, $a <stay> at home and <not come> out.|$a <be> so ashamed that $a "
             "<hide> whenever $b <come> near.");
        tell("find_out", {.a = a, .b = b, .o = o},
             "[But|At last] $a <go> to look for @b and <see> what <had happen>.|On the third day, "
             "$a <knock> at ^b door.");
      }
      paragraph();
      tell("confess", {.a = b, .b = a, .o = o},
           "\"(a:b)I was careless, and now your %o <be> broken,\" {say a}.|"
           "$a <show> @b what was left of @o.");
      if ((kind.tags & is::plural) != 0)
        retold("\"(a:b)I was careless with your %o,\" {say a}.|$a <show> @b what <had happen>.");
      apologise(b, a);
      feel(a, maybe() ? Mood::sad : Mood::angry);
      mend(b, a, o);
      forgive(a, b);
      paragraph();
      tell("end", {.a = b, .b = a, .o = o},
           "After that, $a <be> careful with everything $a <borrow>.|"
           "And the next time $a <borrow> something, $a <bring> it back in one piece.|"
           "$ab <be> better friends than before.");
    } else {
      tell("use", {.a = b, .o = o, .u = kind.use},
           "There was nothing better than to #u.|[All afternoon|For hours], $a <be> happy.|^a eyes "
           "shone with joy.");
      tell("return", {.a = b, .b = a, .o = o},
           "In the evening, $a <bring> @o back, clean and whole[, with a flower for @b|].|"
           "$a <keep> ^a promise and <bring> @o back the next day.");
      const Id q = plain_thing(pick({"bag of nuts", "picture", "little bunch of flowers",
                                     "jar of jam", "red apple", "song"}));
      tell("give", {.a = b, .b = a, .o = q},
           at(q).noun == "song"
               ? "\"(a:b)I made a song for you to say thank you,\" {say a}."
               : "\"(a:b)And this is for you,\" {say a} and <give> @b ~o.|$a also <give> @b ~o.");
      if (at(q).noun != "song")
        retold("$a also <give> @b ~o to say thank you.|\"(a:b)And here is ~o for you,\" {say a}.");
      feel(a, Mood::happy);
      paragraph();
      tell("end", {.a = a, .b = b},
           "From then on, $ab <lend> each other everything they had.|"
           "$a <know> now that $b <can> be trusted.|"
           "That is how $ab <become> best friends.");
    }
  }

  void errand() {
    begin("a journey", "exciting");
    fair_weather();
    const Id a = child();
    introduce(a);
    const Id b = relative(a, true);
    const Id c = relative(a, true);
    while (at(b).noun == "grandmother" || at(b).noun == "grandfather") at(b) = kin(a, true);
    while (at(c).noun == "mother" || at(c).noun == "father" || at(c).noun == at(b).noun)
      at(c) = kin(a, true);
    const Id o = food();
    paragraph();
    tell("ask", {.a = b, .b = a, .c = c, .o = o, .x = pick(day_times), .y = weather_->day},
         "[One #y #x|One #x], `a packed ~o in a basket. \"(a:b)Please take this to @c, {call b},\" "
         "{say a}. "
         "\"(a:b)[It is a long way|$c <be> ill in bed|Today is ^c birthday], so [do not stop to "
         "play|be careful|go quickly].\"|"
         "[One #y #x|One #x], `a <give> @b ~o for @c, who <live> far away. \"(a:b)Stay on the "
         "path,\" {say a}.");
    tell("promise", {.a = a},
         "\"(a)I will,\" {say a}.|$a <promise> to be careful.|$a <be> proud to go alone.");
    then("set_off", {.a = a, .o = o},
         "$a <set> off at once|$a <take> the basket and <set> off|$a <wave> goodbye and <go> on ^a "
         "way");
    if (maybe(0.5)) scene(a);
    const std::size_t obstacles = 1 + any(2);
    bool carrying = true;
    std::array<bool, 7> met{};
    for (std::size_t i = 0; i < obstacles; ++i) {
      paragraph();
      std::size_t which = any(7);
      while (met[which]) which = any(7);
      met[which] = true;
      obstacle(a, o, which, carrying);
    }
    paragraph();
    tell("arrive", {.a = a, .b = c, .o = o},
         "At last $a <see> ^b house. $b <open> the door. \"(b:a)[What a surprise|How nice of you "
         "to come|Come in, come in]!\" {cry b}.|"
         "Before sunset, $a <knock> at ^b door. \"(b:a){call a}! You came all this way!\" {cry b}.|"
         "When $a <arrive>, $b <be> very glad to see @a.");
    if (carrying)
      tell("deliver", {.a = a, .b = c, .o = o},
           "$a <give> @b the basket, and [soon|then] $ab <sit> by the fire and <eat> together.|"
           "$a <put> @o on the table, and there was enough for both of them.|"
           "\"(b:a)[How good it smells|It is just what I need],\" {say b}.");
    else
      tell("explain", {.a = a, .b = c},
           "\"(a:b)I gave [almost all of|half of] your food to somebody who was hungry,\" {say a}. "
           "\"(b:a)Then you did [the right thing|just what I would have done],\" {answer b}.");
    feel(a, maybe() ? Mood::proud : Mood::happy);
    evening(a);
  }

  void rescue() {
    begin("an animal in need", "gentle", 0.0);
    fair_weather();
    const Id a = child(maybe(0.5) ? trait::generous | trait::timid | trait::bold : 0);
    introduce(a);
    const Creature& kind = creature(false, true);
    const Id p = kind.farm ? somewhere(place::wild | place::road, place::dark | place::high)
                           : place_of(kind.place);
    const bool named = maybe(0.6);
    const Id c = animal(kind, false);
    paragraph();
    tell("hear", {.a = a, .p = p, .w = kind.sound, .x = pick(day_times), .y = weather_->day},
         "[One #y #x|One #x], $a <be> on ^a way +p when $a <hear> a [strange|small|sad] sound.|"
         "[One #y #x|On a #y #x], $a <hear> something <#w.0> =p.");
    const std::size_t trouble = any(5);
    constexpr std::string_view troubles[] = {
        "It was ~c with a hurt leg.|In the grass lay ~c. It had hurt its leg.",
        "It was ~c, caught in an old net.|There was ~c, and its foot was caught in a piece of "
        "string.",
        "It was ~c in the middle of a thorn bush. It could not get out.",
        "It was ~c. It was all alone and so thin that its bones showed.|There sat ~c. It was wet "
        "and cold and hungry.",
        "It was ~c. It had lost its mother and did not know where to go.|There was ~c, and it was "
        "calling for its mother."};
    tell("find", {.a = a, .c = c}, troubles[trouble]);
    tell("pity", {.a = a, .c = c},
         "\"(a:c)[Poor little thing|Do not be afraid|I will help you],\" {whisper a}.|"
         "$a <feel> sorry for @c.|\"(a)Poor %c!\" {cry a}.");
    if (is_a(a, trait::timid) || maybe(0.4))
      tell("fear", {.a = c, .b = a},
           "But $a <be> afraid and <try> to run away. So $b <sit> down and <wait> [quietly|very "
           "still].|"
           "$a <tremble> when $b <come> near, so $b <stay> quite still and <speak> softly.");
    switch (trouble) {
      case 0:
        tell("bandage", {.a = a, .c = c},
             "$a <tie> ^a handkerchief round its leg and <carry> it home.|"
             "$a <wrap> it in ^a jacket and <carry> it home very gently.");
        break;
      case 1:
        tell("free", {.a = a, .c = c},
             "[Carefully|Slowly and gently], $a <cut> the string and <set> it free.|"
             "$a <untie> one knot after the other until it was free.");
        break;
      case 2:
        tell("free", {.a = a, .c = c},
             "$a <push> the branches aside, although the thorns scratched ^a arms, and <lift> it "
             "out.|"
             "$a <bend> the thorns back one by one until it could crawl out.");
        break;
      case 3:
        tell("feed", {.a = a, .c = c, .w = kind.food},
             "$a <run> home and <come> back with #w. It ate every bit.|$a <give> it #w, and it ate "
             "as if it had never eaten before.");
        break;
      default:
        tell("search", {.a = a, .c = c, .p = p},
             "$a <look> behind every bush and every tree for its mother.|$a <follow> the tracks in "
             "the soft ground, step by step.");
    }
    paragraph();
    const Id b = relative(a, true);
    bool keeps = false;
    if (trouble == 4) {
      tell("find", {.a = a, .c = c},
           "At last there was an answer from far away. The mother came running, and the two rubbed "
           "noses.|"
           "Then $a <hear> a call from the other side of the hill. It was the mother!");
      tell("reunite", {.a = c, .b = a},
           "The little one ran to her as fast as it could. [Once it looked back, as if to say "
           "thank you.|]");
      feel(a, Mood::happy);
    } else {
      tell("ask", {.a = a, .b = b, .c = c},
           "\"(a:b){call b}, may the %c stay with us?\" {ask a}. \"(b:a)[Until it is well|Until it "
           "is strong again],\" {say b}.|"
           "$b <look> at @c. \"(b:a)It needs rest and food,\" {say b}. \"(b:a)You may look after "
           "it.\"");
      if (named) {
        at(c).name = {};
        const std::string_view name = unused(pet_names);
        tell("name", {.a = a, .c = c, .w = name},
             "$a <call> it #w.|\"(a:c)I will call you #w,\" {say a}.");
      }
      tell("nurse", {.a = a, .c = c, .w = kind.food},
           "Every day, $a <bring> it #w and <clean> its bed.|"
           "For a week, $a <feed> it and <keep> it warm.|"
           "$a <get> up early each morning to give it #w.");
      tell("recover", {.a = c},
           "Little by little, it grew strong.|Soon it could run and play again.|After some days, "
           "its eyes were bright again.");
      keeps = kind.farm && maybe(0.6);
      paragraph();
      if (keeps) {
        tell("stay", {.a = c, .b = a},
             "When the gate was opened, $a <not go> away. It <follow.past> @b back into the house.|"
             "It did not want to leave. Wherever $b <go>, it went, too.");
      } else if (kind.farm) {
        tell("claim", {.a = a, .c = c},
             "Then a farmer came who <had be> looking for the %c everywhere. It was hard to give "
             "it back. "
             "\"You may visit it whenever you like,\" said the farmer, \"because you saved its "
             "life.\"|"
             "One day, there was a knock at the door. An old farmer had lost a %c. $a <be> sad, "
             "but $a <give> it back. "
             "\"Come and see it every Sunday,\" said the farmer.");
        tell("end", {.a = a}, "And that is what $a <do>.|So $a <not lose> a friend after all.");
      } else {
        so("release", {.a = a, .c = c, .p = p},
           "$a <know> that a wild animal must be free. So $a <take> it back +p and <let> it go.|"
           "One morning, $a <take> it +p and <open> the basket. It looked at @a once more and was "
           "gone.");
        feel(a, maybe(0.7) ? Mood::sad : Mood::proud);
        tell("visit", {.a = a, .c = c, .p = p},
             "But sometimes, when $a <be> =p, it came to say hello.|"
             "But from that day on, $a often <hear> it =p, and then $a <smile>.");
      }
    }
    if (keeps)
      tell("end", {.a = a, .c = c},
           "From then on, the two of them were always together.|And so $a <have> a new friend.");
    else if (trouble == 4)
      evening(a);
  }

  void fear() {
    struct Dread {
      Words of, scene, first_step, second_step, after;
    };
    static constexpr Dread dreads[] = {
        {"the dark", "had to fetch a jar of jam from the dark cellar",
         "took a candle and went down one step", "sang a song and went down all the other steps",
         "the dark was only a place where the light had not come yet"},
        {"thunder", "heard thunder rolling over the roofs",
         "counted slowly from the flash to the thunder",
         "drummed on a pot, louder than the thunder", "thunder was only a great drum in the sky"},
        {"deep water", "wanted to swim like the others", "put one foot into the water",
         "held on to a piece of wood and kicked", "the water could carry you if you trusted it"},
        {"high places", "was asked to pick the apples at the top of the tree",
         "climbed up to the first branch and did not look down",
         "climbed higher, one branch at a time", "the world looked beautiful from above"},
        {"the big dog next door", "had to walk past the big dog next door",
         "stood still and held out a piece of bread", "stroked its soft ears",
         "a loud bark could hide a kind heart"},
        {"speaking before many people", "was to say a poem at the festival",
         "said the poem to the mirror", "said the poem to three friends",
         "people wanted the poem to go well"},
        {"the old house on the hill", "had to take a letter to the old house on the hill",
         "walked up to the gate", "knocked at the door",
         "in the old house lived a friendly lady who baked very good cakes"},
        {"spiders", "found a big spider above the bed",
         "looked at it from the other end of the room", "carried it outside in a cup",
         "the spider had been more frightened than anyone"},
        {"the first day at a new school", "had to go to a new school", "walked as far as the gate",
         "said hello to the child at the next desk", "the others had all been new once, too"},
        {"the wind in the chimney", "heard a howling in the chimney at night",
         "listened with one ear", "howled back as loudly as possible",
         "the wind was only playing a tune"}};
    begin("a fear", "brave", 0.25);
    const Id a = child(maybe(0.6) ? trait::timid | trait::generous | trait::clever : 0);
    const Dread* dread = &pick(dreads);
    while (plan_.animals &&
           (dread->of.find("school") != dread->of.npos || dread->of == "spiders" ||
            dread->of.find("dog") != dread->of.npos || dread->of.find("house") != dread->of.npos ||
            dread->of.find("chimney") != dread->of.npos))
      dread = &pick(dreads);
    const R r{.a = a,
              .u = dread->scene,
              .v = dread->first_step,
              .w = dread->of,
              .x = dread->second_step,
              .y = dread->after};
    introduce(a);
    tell("fear", r,
         "There was one thing that $a <not like> at all: #w.|"
         "$a <be> afraid of only one thing, and that was #w.|"
         "But $a <be> afraid of #w.|Nobody knew that $a <be> afraid of #w.");
    paragraph();
    tell("occasion", r, "One day, $a #u.|Then came the day when $a #u.");
    feel(a, Mood::afraid);
    const Id b = maybe() ? relative(a, true) : child();
    std::string_view help =
        "\"(a:b)Everyone is afraid of something,\" {say a}. \"(a:b)[Take one small step|Try a "
        "little bit at a time|"
        "Do only the first step today].\"|"
        "\"(a:b)Being brave does not mean that you have no fear,\" {say a}. \"(a:b)It means that "
        "you try all the same.\"|"
        "\"(a:b)I used to be afraid of #w, too,\" {say a}. \"(a:b)I will stay with you.\"";
    if (at(b).owner == nobody)
      tell("notice", {.a = b, .b = a},
           "^b friend `a <see> it and <not laugh>.|^b friend `a <take> @b aside.");
    else
      tell("notice", {.a = b, .b = a}, "$a <see> ^b pale face.|$a <sit> down beside @b.");
    tell("encourage", {.a = b, .b = a, .w = dread->of}, help);
    paragraph();
    so("try", r,
       "First, $a #v. [Nothing bad happened.|It was not so bad.|^a heart beat fast, but nothing "
       "happened.]|"
       "$a <take> a deep breath. Then $a #v.");
    if (maybe(0.45)) {
      tell("falter", {.a = a, .b = b},
           "Then $a <want> to run away. \"(b:a)You are doing well,\" {say b}, and $a <stay>.|"
           "For a moment, the fear came back. $a <close> ^a eyes and <count> to ten.");
    }
    then("overcome", r,
         "Then $a #x. And all at once $a <have> to laugh.|Next, $a #x. It worked!|After that, $a "
         "#x.");
    feel(a, maybe(0.6) ? Mood::proud : Mood::relieved);
    tell("praise", {.a = b, .b = a},
         "\"(a:b)[I am proud of you|You did it|You see, you can do it]!\" {cry a}.|$a <clap>[ and "
         "<cheer>|].");
    paragraph();
    tell("end", r,
         "From that day on, $a <know> that #y.|$a <had find> out that #y.|"
         "$a <be> still a little afraid sometimes, but now $a <know> that #y.");
  }

  void contest() {
    struct Match {
      Words name, skill, practice, slip, feat;
      bool race;
    };
    static constexpr Match matches[] = {
        {"the great race", "run", "ran up and down the hill every morning", "stumbled over a root",
         "ran as never before", true},
        {"the boat race", "row", "rowed across the water every evening", "lost an oar",
         "pulled with long, even strokes", true},
        {"the baking contest", "bake", "baked a cake every day", "let the first cake burn",
         "made a cake as light as a cloud", false},
        {"the kite contest", "fly a kite", "flew kites on the hill in every wind",
         "got the string in a knot", "let the kite rise higher than the church tower", false},
        {"the singing contest", "sing", "sang scales from morning till night",
         "forgot a line of the song", "sang so sweetly that nobody moved", false},
        {"the drawing contest", "draw", "drew trees, birds and faces on every scrap of paper",
         "spilled ink on the paper", "turned the blot into a flying bird", false},
        {"the sandcastle contest", "build sandcastles", "built towers and walls in the sand",
         "saw the first tower fall down", "built a castle with seven towers", false},
        {"the sledge race", "steer a sledge", "practised on the steepest slope",
         "slid into a heap of snow", "took every bend without braking", true},
        {"the dancing contest", "dance", "danced in front of the mirror",
         "stepped on the hem of a costume", "turned and leapt like a leaf in the wind", false},
        {"the story contest", "tell stories", "told a new story every night",
         "forgot how the story began", "told a story that made everyone laugh and cry", false},
        {"the pumpkin show", "grow pumpkins", "watered the pumpkins every evening",
         "found a snail on the biggest leaf", "brought a pumpkin as big as a wheelbarrow", false},
        {"the swimming race", "swim", "swam across the pond before breakfast",
         "swallowed a mouthful of water", "swam with calm, strong strokes", true}};
    begin("a contest", "exciting");
    const Id a = child();
    const Id b = child(maybe(0.6) ? trait::proud | trait::selfish | trait::merry : 0);
    const Match* match = &pick(matches);
    while (plan_.animals && (match->name.find("sandcastle") != match->name.npos ||
                             match->feat.find("church") != match->feat.npos))
      match = &pick(matches);
    const R r{.a = a,
              .b = b,
              .u = match->name,
              .v = match->skill,
              .w = match->practice,
              .x = match->slip,
              .y = match->feat};
    introduce(a);
    tell("introduce", {.a = b, .b = a, .v = match->skill},
         "Next door lived ~a, who <can> #v very well.|In the same place lived ~a, who said, "
         "\"(a)Nobody can #v like me!\"|"
         "There was also ~a, who loved to #v.");
    paragraph();
    tell("announce", r,
         "Every year there was #u, and this year $a <want> to win.|One day, everybody was talking "
         "about #u. $a <want> to win it.|"
         "\"(a)This year I will win #u,\" {say a}.");
    const bool boast = is_a(b, trait::proud | trait::selfish);
    if (boast)
      tell("boast", {.a = b, .b = a},
           "\"(a:b)[You will never beat me|Do not even try|I always win],\" {laugh a}.");
    const bool trains = !is_a(a, trait::proud) || maybe(0.4);
    if (trains) {
      so("practise", r, "$a #w.|[For weeks|Day after day], $a #w.");
      if (boast)
        but("idle", {.a = b},
            "$a <lie> in the sun and <not practise> at all|$a <think> that practice was for "
            "others");
    } else {
      but("idle", {.a = a},
          "$a <be> so sure of winning that $a <not practise> at all.|$a <say> that practice was "
          "boring, and <sleep> late every day.");
      then("practise", {.a = b, .w = match->practice}, "Meanwhile, $a #w.");
    }
    paragraph();
    tell("begin", r,
         "At last the great day came. Everyone had come to watch.|On the day of the contest, flags "
         "were flying everywhere.");
    const bool mishap = maybe(0.65);
    const bool falls_b = maybe(0.5);
    if (mishap && !falls_b) {
      tell("slip", r,
           "At first everything went wrong. $a #x.|But then $a #x. [Everyone gasped.|It looked "
           "bad.]");
      then("continue", r,
           "$a <not give> up. $a <take> a deep breath and <try> again.|\"(a)I will not give up,\" "
           "{say a}.");
    }
    bool wins = maybe(!trains ? 0.15 : boast ? 0.85 : 0.55);
    bool stops = false;
    if (mishap && falls_b && match->race) {
      tell("fall", {.a = b},
           "Just before the end, $a <slip> and <hurt> ^a leg.|Halfway, $a <fall> and <can> not get "
           "up.");
      stops = !is_a(a, trait::selfish | trait::proud) || maybe(0.3);
      if (stops) {
        tell("help", {.a = a, .b = b},
             "$a <be> in front, but $a <stop> and <go> back. \"(a:b)Lean on me,\" {say a}.|"
             "$a <can> have won now. But $a <turn> round and <help> @b up.");
        tell("finish", {.a = a, .b = b},
             "Together, $ab <come> in last, and everybody clapped louder than for the winner.|So "
             "$ab <cross> the line arm in arm, the very last of all.");
        thank(b, a);
        wins = false;
      } else {
        tell("pass", {.a = a, .b = b}, "$a <run> past @b and <win>. But it did not feel good.");
        tell("regret", {.a = a, .b = b},
             "In the evening, $a <go> to see @b and <give> @b half of the prize.");
        tell("end", {.a = a, .b = b},
             "$ab <become> friends after all.|And $a <know> that next time $a <will> stop.");
        return;
      }
    } else if (wins) {
      tell("win", r,
           "Then $a #y. [It was the best of all.|Nobody had ever seen anything like it.]|Then $a "
           "#y, and the judges gave @a the first prize.");
    } else {
      tell("lose", r,
           match->race ? "$a <do> ^a best. But $b #y and <come> in first.|$a <be> fast, but $b "
                         "<be> faster. $b #y and <win>."
                       : "$a <do> ^a best. Then it was ^b turn. $b #y, and the prize went to @b.");
    }
    paragraph();
    if (stops) {
      tell("end", {.a = a, .b = b},
           "$a <not win> a cup that day, but $a <win> a friend.|\"(b:a)You are the real winner,\" "
           "{say b}, and everyone agreed.");
    } else if (wins) {
      feel(a, maybe() ? Mood::happy : Mood::proud);
      if (boast)
        tell("congratulate", {.a = b, .b = a},
             "$a <be> quiet for a while. \"(a:b)You were better,\" $a <say> at last. \"(a:b)Next "
             "year I will practise, too.\"");
      else
        tell("congratulate", {.a = b, .b = a},
             "\"(a:b)[Well done|You were wonderful|Hurray for {call b}]!\" {cry a}.");
      tell("end", {.a = a, .b = b},
           "The prize was [a big cake|a basket of fruit|a box of sweets], and in the evening $ab "
           "<share> it.");
    } else {
      feel(a, Mood::sad);
      if (trains)
        tell("congratulate", {.a = a, .b = b},
             "But $a <go> to @b and <say>, \"(a:b)[Well done|You were wonderful|You earned it]!\"");
      else
        tell("learn", {.a = a}, "\"(a)I should have practised,\" {say a}.");
      tell("answer", {.a = b, .b = a},
           "\"(a:b)Shall we practise together next year?\" {ask a}.|\"(a:b)[Come, help me eat the "
           "prize|Let us share the prize],\" {say a}.");
      tell("end", {.a = a, .b = b},
           "$a <smile> again, and $ab <walk> home together.|And that is what $ab <do>.");
    }
  }

  void festival() {
    struct Feast {
      Words name, need, missing, trick, joy;
    };
    static constexpr Feast feasts[] = {
        {"the harvest festival", "hang up garlands and bake bread",
         "the ribbons had been eaten by mice", "made chains of red leaves and berries",
         "danced round the biggest pumpkin"},
        {"the lantern festival", "make a lantern for every window", "there were no candles left",
         "caught the moonlight in jars of water and put mirrors behind them",
         "walked through the streets with glowing lights"},
        {"the spring festival", "gather flowers and paint eggs", "frost had killed the flowers",
         "cut flowers out of bright paper", "sang to wake the sun"},
        {"the midsummer party", "set the tables under the trees",
         "rain had begun to fall on the tables",
         "carried everything under the big roof of the barn", "danced until the stars came out"},
        {"the winter feast", "bake cakes and light the fire",
         "the last sack of sugar had a hole and was empty",
         "sweetened the cakes with honey and dried apples", "sang by the fire until midnight"},
        {"the birthday party", "blow up balloons and bake a cake",
         "the cake had fallen on the floor", "built a cake out of fruit, with cherries on top",
         "played games until it was dark"},
        {"the music festival", "tune the fiddles and learn the songs", "the big drum had a hole",
         "beat on pots, pans and buckets", "made the merriest music anyone had ever heard"},
        {"the boat festival", "tie flags to all the boats", "the wind had torn the flags",
         "sewed new flags from old shirts", "sailed round the lake with music"},
        {"the wedding of two neighbours", "decorate the hall and bake a cake",
         "the flowers had not arrived", "filled baskets with ferns and wild roses",
         "threw petals into the air"}};
    begin("a festival", "merry");
    const Id a = child();
    const Feast& feast = pick(feasts);
    introduce(a);
    const Id b = child();
    const R r{.a = a,
              .b = b,
              .u = feast.name,
              .v = feast.need,
              .w = feast.missing,
              .x = feast.trick,
              .y = feast.joy};
    paragraph();
    tell("announce", r,
         "It was the day before #u, and there was much to do.|Everyone was looking forward to "
         "#u.|[Soon it would be|Tomorrow was the day of] #u.");
    tell("prepare", r,
         "$a <promise> to #v, and ^a friend `b wanted to help.|\"(a)I will #v,\" {say a}. ^a "
         "friend `b came to help.");
    if (maybe(0.5))
      tell("work", {.a = a, .b = b},
           "$ab <work> from morning till noon.|They laughed and sang while they worked.|$a <carry> "
           "everything, and $b <put> it in its place.");
    tell("discover", r,
         "Then they saw that #w.|But, oh dear, #w!|But in the afternoon, something terrible "
         "happened: #w.");
    const bool blame = is_a(a, trait::selfish | trait::proud) || is_a(b, trait::selfish)
                           ? maybe(0.7)
                           : maybe(0.15);
    if (blame) {
      tell("blame", {.a = a, .b = b},
           "\"(a:b)That is your fault!\" {cry a}. \"(b:a)No, it is yours!\" {cry b}.");
      tell("calm", {.a = b, .b = a},
           "For a while, nobody spoke. Then $a <say>, \"(a:b)Being angry will not help us. Let us "
           "think.\"");
    } else {
      feel(a, maybe() ? Mood::worried : Mood::sad);
    }
    paragraph();
    const Id solver = is_a(b, trait::clever) || maybe(0.4) ? b : a;
    const Id other = solver == a ? b : a;
    const R s{.a = solver,
              .b = other,
              .u = feast.name,
              .v = feast.need,
              .w = feast.missing,
              .x = feast.trick,
              .y = feast.joy};
    so("idea", s,
       "\"(a:b)I have an idea!\" {cry a}.|Then $a <have> an idea.|$a <think> hard. Suddenly ^a "
       "face lit up.");
    tell("solve", s, "They #x.|Quickly, they #x.|$ab #x.");
    if (maybe(0.5)) {
      tell("helpers", s,
           "The neighbours saw it and came to help.|Soon everybody was helping.|Other children "
           "came, and every one of them lent a hand.");
      if (plan_.animals)
        retold("The neighbours saw it and came to help.|Soon everybody was helping.");
    }
    tell("finish", s,
         "When evening came, everything was ready.|Just in time, everything was ready.");
    paragraph();
    tell("celebrate", r,
         "It was [the best|the most beautiful] festival that anyone could remember. Everyone "
         "#y.|That night, everyone #y.");
    if (feast.name.find("festival") == feast.name.npos)
      retold("It was better than anyone had hoped. Everyone #y.|And then everyone #y.");
    tell("praise", s,
         "\"(b:a)[Your idea saved the day|How clever you are|What would we do without you]!\" {say "
         "b}.");
    feel(solver, Mood::happy);
    if (maybe(0.4)) evening(a);
  }

  void picnic() {
    begin("sharing food", "gentle");
    fair_weather();
    const Id a = child();
    introduce(a);
    const Id o = food();
    const Id m = relative(a, true);
    paragraph();
    tell("bake", {.a = m, .b = a, .o = o, .w = food_->made_from, .y = weather_->day},
         "One #y day, `a made ~o out of #w. \"(a:b)[This is for your picnic|Take it with you|Enjoy "
         "it],\" {say a}.|"
         "`a <give> @b ~o for a picnic.");
    if (food_->mass || food_->plural)
      retold(
          "One #y day, `a made ~o out of #w. \"(a:b)[This is for your picnic|Enjoy your picnic],\" "
          "{say a}.|"
          "One #y day, `a <give> @b ~o for a picnic.");
    const Id p = somewhere(place::play | place::wild | place::water, place::indoors);
    go(a, p);
    then("sit", {.a = a, .o = o, .p = p},
         "$a <sit> down in the shade and <unpack> @o.|$a <spread> a blanket and <put> `o on it");
    const Id b = maybe(0.65) ? child() : nobody;
    const bool beast = b == nobody;
    const Id c = beast ? animal(creature(true), false) : b;
    paragraph();
    if (beast)
      tell("meet", {.a = a, .c = c},
           "Then ~c came out of the bushes. It was thin, and it looked at the food with big "
           "eyes.|A little way off sat ~c. It looked very hungry.");
    else
      tell("meet", {.a = a, .c = c},
           "Not far away sat ~c, all alone. $c <have> nothing to eat.|Then ~c came along the path. "
           "$c <look> at the food and then at the ground.");
    const bool selfish = is_a(a, trait::selfish | trait::proud) ? maybe(0.8) : maybe(0.15);
    if (selfish) {
      tell("hide", {.a = a, .c = c, .o = o},
           "\"(a)There is only enough for me,\" $a <think>, and $a <turn> away.|$a <turn> round "
           "and <eat> as fast as $a <can>.");
      tell("alone", {.a = a},
           "But somehow the food did not taste as good as before.|But it is no fun to eat while "
           "someone else is hungry.");
      so("turn", {.a = a, .c = c}, "$a <look> back. Then $a <make> up ^a mind.|$a <feel> ashamed.");
    } else if (maybe(0.6)) {
      tell("think", {.a = a, .c = c},
           "$a <know> what it was like to be hungry.|$a <not have> to think for long.");
    }
    if (beast)
      tell("share", {.a = a, .c = c, .o = o},
           "$a <put> half of the food on a leaf, and it ate and ate until there was nothing left.|"
           "\"(a:c)Come, there is enough for two,\" {say a}. It came closer, step by step, and "
           "ate.");
    else
      tell("share", {.a = a, .b = c, .o = o},
           "\"(a:b)[Come and sit with me! There is enough for two|Please have half of mine]!\" "
           "{cry a}. Soon $ab <be> eating together.|"
           "$a <break> everything into two parts and <give> the bigger one to @b.");
    paragraph();
    if (beast) {
      tell("follow", {.a = a, .c = c},
           "On the way home, $a <lose> the path. It was growing dark. But `c ran ahead and showed "
           "@a the way.|After that, `c followed @a everywhere, and nobody was more faithful.");
      tell("end", {.a = a},
           "A kind deed is never lost.|\"(a)It was a good picnic,\" {say a}. \"(a)I lost half of "
           "my food and found a friend.\"");
    } else {
      const bool gives = maybe(0.6);
      if (gives) {
        tell("repay", {.a = c, .b = a},
             "The next day, $a <come> to ^b door with a basket of "
             "[plums|nuts|pears|cherries|berries]. \"(a:b)Now it is my turn to share,\" {say "
             "a}.|\"(a:b)I know where the sweetest [berries|plums|cherries] grow,\" {say a}. "
             "\"(a:b)Come, I will show you.\"");
      } else {
        thank(c, a);
        tell("play", {.a = a, .b = c},
             "Then $ab <play> until the sun went down.|They talked and laughed all afternoon.");
      }
      tell("end", {.a = a, .b = c},
           "From then on, $ab always <share> their food.|And everything tastes better when there "
           "are two.|That was the beginning of a long friendship.");
    }
  }

  void trades() {
    begin("a chain of trades", "funny");
    fair_weather();
    const Id a = child();
    introduce(a);
    const Id b = relative(a, true);
    const ThingKind& goal = thing_kind(is::gift, is::plural);
    const ThingKind& start = thing_kind(is::small, is::plural);
    const Id g = thing(goal);
    tell("want", {.a = a, .b = b, .o = g},
         "It would soon be the birthday of `b, and $a <want> to give @b ~o. But $a <have> no "
         "money.|$a <want> to give ~o to `b, but ^a purse was empty.");
    Id o = thing(start);
    while (at(o).noun == at(g).noun) o = thing(thing_kind(is::small, is::plural));
    tell("have", {.a = a, .o = o}, "All that $a <have> was ~o.|In ^a pocket was only ~o.");
    const std::size_t swaps = 1 + any(2);
    std::string_view said;
    for (std::size_t i = 0; i <= swaps; ++i) {
      paragraph();
      const bool last = i == swaps;
      const Job& trade = job();
      const Id c = maybe(0.6) ? worker(trade) : child();
      const Id q = last ? g : thing(thing_kind(is::gift, is::plural));
      std::string_view why = said;
      while (why == said)
        why = pick({"I have been looking for one for years", "My daughter would love it",
                    "My old one is gone", "I need one like that",
                    "That is the finest one I have ever seen", "I have always wanted one",
                    "That would look so nice on my shelf", "I know somebody who collects them"});
      said = why;
      tell("meet", {.a = a, .b = c},
           i == 0 ? "$a <go> out and <meet> @b.|On the road, $a <meet> @b."
                  : "A little later, $a <meet> @b.|Then @b came along.|Next, $a <see> @b.");
      retold(i == 0 ? "$a <go> out into the street and <meet> @b.|First $a <meet> @b."
                    : "A little later, $a <meet> @b.|Next, $a <come> to @b.");
      if (plan_.animals && i == 0) retold("$a <go> out and soon <meet> @b.|First $a <meet> @b.");
      tell("trade", {.a = a, .b = c, .o = o, .q = q, .w = why},
           "\"(b:a)What a fine %o!\" {say b}. \"(b:a)#w. Will you trade it for this *q?\"|"
           "`b saw @o. \"(b:a)#w,\" {say b}. \"(b:a)I will give you ~q for it.\"");
      tell("agree", {.a = a, .b = c, .o = o, .q = q},
           "\"(a:b)[Gladly|With pleasure|All right]!\" {say a}, and they traded.|$a <think> for a "
           "moment. Then they shook on it.|\"(a:b)That is a fair trade,\" {say a}.|$a <nod>, and "
           "soon the trade was made.");
      o = q;
    }
    feel(a, Mood::happy);
    paragraph();
    tell("give", {.a = a, .b = b, .o = g},
         "When `b saw @o, ^b eyes grew wide. \"(b:a)How did you [get|pay for] this?\" {ask b}. "
         "\"(a:b)It is a long story,\" {laugh a}.|"
         "$a <give> @o to @b and <tell> the whole story from the beginning. They laughed until it "
         "was late.");
    evening(a);
  }

  void garden() {
    begin("tending a plant", "patient");
    const Id a = child();
    introduce(a);
    const std::string_view seed = pick({"sunflower", "pumpkin", "bean", "apple", "tomato", "rose",
                                        "cherry", "melon", "tulip", "strawberry", "lemon", "pea"});
    const Id b = relative(a, true);
    const R r{.a = a, .b = b, .w = seed};
    paragraph();
    tell("give", r,
         "One spring day, `b <give> @a a tiny #w [seed|plant]. \"(b:a)If you take care of it, it "
         "will surprise you,\" {say b}.|"
         "$a <find> a #w seed in an old jar. \"(b:a)Plant it and see,\" {say b}.");
    then("plant", r,
         "$a <dig> a hole, <put> it into the soft earth and <water> it|$a <plant> it in the "
         "sunniest corner and <water> it");
    const bool hasty =
        is_a(a, trait::impatient | trait::merry | trait::proud) ? maybe(0.75) : maybe(0.3);
    tell("wait", r,
         "The next morning, $a <run> to look, but there was nothing to see.|Days went by, and "
         "nothing happened.");
    if (hasty) {
      tell("complain", r,
           "\"(a:b)Why does it not grow?\" {ask a}. \"(b:a)Good things need time,\" {say b}.|$a "
           "<shout> at the earth, but the seed did not hurry.");
      const bool forgot = maybe(0.6);
      if (forgot) {
        tell("forget", r,
             "Soon $a <be> bored and <forget> all about it. It did not rain for two weeks.|Then $a "
             "<go> swimming every day and <forget> to water it.");
        tell("wilt", r,
             "When $a <come> back, a little plant had come up, but its leaves hung down and were "
             "yellow.|One day, $a <see> a small green plant. It was dry and almost dead.");
        feel(a, Mood::sorry);
        so("save", r,
           "$a <run> for water and <give> it to the plant, cup by cup.|Every morning and every "
           "evening, $a <bring> it water and <shade> it with an old umbrella.");
        tell("revive", r,
             "After three days, a leaf stood up again.|Little by little, the plant grew green "
             "again.");
      } else {
        tell("wait", r, "So $a <wait> and <water>, and <wait> again.|So $a <learn> to wait.");
      }
    } else {
      tell("tend", r,
           "But $a <water> it every morning and <pull> up the weeds.|Every day, $a <talk> to it "
           "and <bring> it water.");
    }
    paragraph();
    if (maybe(0.55)) {
      const std::string_view pest =
          plan_.animals ? pick({"snails", "caterpillars", "beetles"})
                        : pick({"snails", "birds", "mice", "caterpillars", "rabbits"});
      const R pr{.a = a, .b = b, .w = pest};
      tell("threat", pr,
           "Then #w came and wanted to eat it.|One night, hungry #w nibbled at the leaves.");
      so("protect", pr,
         "$a <build> a little fence out of sticks.|$a <put> rings of sharp sand round the stem.|$a "
         "<hang> up shiny spoons that rang in the wind.");
    }
    tell("grow", r,
         "Week after week, the plant grew, until it was taller than @a.|The summer went by, and "
         "the plant grew and grew.");
    const bool flower = seed == "tulip" || seed == "rose" || seed == "sunflower";
    if (flower)
      tell("bloom", r,
           "One morning, the first flower opened. It was the most beautiful #w that $a <had "
           "see>.|Then there was a flower on it, as bright as the sun.");
    else
      tell("ripen", r,
           "At last there was fruit on it, ripe and sweet.|In autumn, $a <can> pick as much as the "
           "biggest basket would hold.");
    feel(a, maybe() ? Mood::proud : Mood::happy);
    if (is_a(a, trait::generous) || maybe(0.4))
      tell("share", r,
           flower ? "Everyone came to look at it, and nobody went away without a smile."
                  : "$a <give> some to everyone who came by.|$a <bring> the best of it to `b.");
    tell("end", r,
         "And $a <keep> a handful of seeds for the next spring.|From then on, $a <know> that good "
         "things need time.|\"(b:a)You see, good things need time,\" {say b}.");
  }

  void storm() {
    begin("a storm", "exciting");
    fair_weather();
    const Id a = child();
    introduce(a);
    const Id b = maybe() ? child() : relative(a, false);
    const Id p = somewhere(place::wild | place::water, place::indoors);
    paragraph();
    const R r{.a = a, .b = b, .p = p, .y = weather_->day};
    if (at(b).owner == nobody)
      tell("play", r,
           "One day, $a <be> playing =p with ^a friend @b.|One day, $a and ^a friend `b went +p.");
    else
      tell("play", r, "One day, $ab <go> +p to [play|collect pine cones|look for treasure].");
    const std::size_t kind = any(3);
    constexpr std::string_view arrivals[] = {
        "[Suddenly|All at once], the sky turned black, and thunder rolled.|Dark clouds came up, "
        "and the first heavy drops fell.",
        "[Suddenly|Without warning], it began to snow so thickly that they could see nothing but "
        "white.",
        "A thick fog came up from the ground, and soon they could not see the path."};
    constexpr std::string_view names[] = {"storm", "snow", "fog"};
    tell("weather", {.w = names[kind]}, arrivals[kind]);
    const bool bold = is_a(a, trait::bold) && maybe(0.6);
    if (bold && kind == 0) {
      tell("refuse", r,
           "\"(b:a)We should go home,\" {say b}. \"(a:b)Oh, a little rain cannot hurt us,\" {laugh "
           "a}.");
      tell("worse", r,
           "But the rain grew stronger, and the wind broke a branch off a tree.|But then lightning "
           "struck very near.");
    }
    feel(b, Mood::afraid);
    const std::string_view shelter =
        pick({"a hollow tree", "an empty barn", "a dry cave", "an old hut", "a shed full of hay"});
    so("shelter", {.a = a, .b = b, .w = shelter},
       "\"(a:b)[Quick|Come], we must find shelter!\" {cry a}. They ran hand in hand until they "
       "found #w.|$a <see> #w, and $ab <creep> inside.");
    if (plan_.animals)
      retold(
          "\"(a:b)[Quick|Come], we must find shelter!\" {cry a}. They ran until they found #w.|$a "
          "<see> #w, and $ab <creep> inside.");
    const bool other = maybe(0.55);
    if (other) {
      const Id c = animal(creature(true), false);
      tell("find", {.a = a, .b = b, .c = c},
           "Somebody was there already. It was ~c, wet through and trembling.");
      tell("warm", {.a = a, .b = b, .c = c},
           "$a <rub> it dry with ^a scarf, and $ab <let> it sit between them.|They made room for "
           "it, and all three kept one another warm.");
    } else {
      tell("pass_time", {.a = a, .b = b},
           "To forget their fear, they told each other stories.|$a <sing> all the songs that $a "
           "<know>.|They counted the raindrops on the roof.");
      if (kind != 0)
        retold(
            "To forget their fear, they told each other stories.|$a <sing> all the songs that $a "
            "<know>.");
    }
    paragraph();
    if (kind == 0)
      tell("clear", {.a = a, .b = b},
           "After an hour, the rain stopped, and a rainbow stood over the land.|At last the "
           "thunder went away, and the sun came out.");
    else if (kind == 1)
      tell("clear", {.a = a, .b = b},
           "When it stopped snowing, the world was white and silent. They followed the smoke of "
           "the chimneys home.|At last they heard the bells and knew which way to go.");
    else
      tell("clear", {.a = a, .b = b},
           "Then they heard somebody calling their names and followed the voice.|At last the wind "
           "blew the fog away, and there was the path.");
    if (kind == 1 && plan_.animals)
      retold(
          "When it stopped snowing, the world was white and silent. They followed their own tracks "
          "home.");
    const Id m = relative(a, true);
    tell("home", {.a = m, .b = a},
         "At home, $a <be> waiting with [hot soup|warm milk|dry clothes and hot cocoa].|$a <run> "
         "to meet them and <hug> @b.");
    if (bold && kind == 0)
      tell("end", {.a = a},
           "\"(a)Next time I will go home when the first drop falls,\" {say a}.|From that day on, "
           "$a <look> at the clouds before $a <go> out.");
    else
      tell("end", {.a = a, .b = b},
           "They often talked about that day.|After that, $ab <be> no longer so afraid of bad "
           "weather.|"
           "\"(b)It was frightening, but it was a real adventure,\" {say b}.");
  }

  void newcomer() {
    begin("a new friend", "gentle");
    fair_weather();
    const Id a = child();
    introduce(a);
    const Id b = child(trait::timid);
    paragraph();
    tell("arrive", {.a = b, .b = a},
         plan_.animals ? "One day, ~a moved into the empty house nearby.|One day, ~a came from far "
                         "away to live there."
                       : "One day, a new family moved in next door. They had ~a.|One day, ~a came "
                         "to live in the same street.");
    if (plan_.animals)
      retold("One day, ~a came from far away to live nearby.|One spring, ~a made a home close by.");
    tell("shy", {.a = b, .b = a},
         "$a <be> so shy that $a only <look> out of the window.|$a <not speak> to anyone and "
         "always <play> alone.|$a <stand> at the edge and <watch> the others play.");
    const bool unkind = is_a(a, trait::selfish | trait::proud) ? maybe(0.7) : maybe(0.15);
    if (unkind) {
      tell("judge", {.a = a, .b = b},
           "\"(a)[How odd|What a bore],\" {say a}. \"(a)I have enough friends.\"|\"(a)We do not "
           "need anyone new,\" {say a} to the others.");
      tell("trouble", {.a = a, .b = b},
           "But soon after that, $a <fall> into a ditch and <can> not get out. The others were too "
           "far away to hear. Only $b <come>.|"
           "The next day, $a <hurt> ^a foot on the way home. The first who came to help was `b.");
      tell("help", {.a = b, .b = a},
           "\"(a:b)Hold on to me,\" {say a}, and step by step they came home.|$a <help> @b all the "
           "way home.");
      feel(a, Mood::sorry);
      apologise(a, b);
      forgive(b, a);
    } else {
      tell("plan", {.a = a, .b = b},
           "\"(a)I know what it is like to be alone,\" {say a}. \"(a)I will say hello.\"|$a <see> "
           "it and <think> of a way to make friends.");
      const Id o = thing(thing_kind(is::toy, is::house), a);
      so("invite", {.a = a, .b = b, .o = o, .u = kind_of(o).use},
         "$a <take> ^a *o and <go> to see @b. \"(a:b)Would you like to play with me?\" {ask "
         "a}.|\"(a:b)Hello! I have brought my %o. Shall we play?\" {ask a}.");
      if (maybe(0.5)) {
        tell("flee", {.a = b, .b = a},
             "$a <shake> ^a head and <run> away.|$a <turn> red and <close> the door.");
        tell("patience", {.a = a, .b = b},
             "$a <be> not angry. The next day $a <come> again, and the day after that.|So every "
             "day, $a <leave> a little present for @b: a shell, a flower, a shiny stone.");
        then("dare", {.a = b, .b = a},
             "On the [third|fourth] day, $a <come> out and <smile>.|At last $a <say>, \"(a:b)Will "
             "you show me how to play?\"");
      } else {
        tell("nod", {.a = b, .b = a},
             "$a <nod>, and soon they were laughing together.|\"(a:b)Yes, please,\" {whisper a}.");
      }
    }
    paragraph();
    const std::string_view skill =
        pick({"walk on stilts", "whistle like a bird", "tell wonderful stories",
              "make boats out of bark", "stand on one leg for an hour", "play the flute",
              "draw anything in the world", "find the sweetest berries", "juggle with four apples",
              "make shadow animals on the wall"});
    tell("discover", {.a = a, .b = b, .w = skill},
         "Soon $a <find> out that $b <can> #w. \"(a:b)Teach me that!\" {cry a}.|And what a "
         "surprise! $b <can> #w.");
    tell("end", {.a = a, .b = b},
         "From then on, nobody ever saw one of them without the other.|After that, $b <be> never "
         "alone again.|And when the next stranger came, $b <be> the first to say hello.");
  }

  void quarrel() {
    begin("a quarrel", "moral");
    fair_weather();
    const Id a = child(maybe(0.5) ? trait::selfish | trait::proud | trait::impatient : 0);
    introduce(a);
    const Id b = child();
    const ThingKind& kind = thing_kind(is::toy, is::plural | is::house | is::music);
    const Id o = thing(kind);
    paragraph();
    tell("find", {.a = a, .b = b, .o = o, .y = weather_->day},
         "One #y day, $a and ^a friend `b found ~o on the path.|One #y day, $a and ^a friend `b "
         "found ~o in an old box.");
    tell("dispute", {.a = a, .b = b, .o = o},
         "\"(a:b)I saw it first!\" {cry a}. \"(b:a)No, I did!\" {cry b}.|\"(a:b)It is mine!\" {cry "
         "a}. \"(b:a)No, it is mine!\" {cry b}.");
    so("pull", {.a = a, .b = b, .o = o},
       "$a <pull> on one side and $b <pull> on the other.|They pulled and pushed until both of "
       "them were red in the face.");
    const std::size_t result = any(3);
    if (result == 0 && kind.mending != Mending::none) {
      tell("break", {.a = a, .b = b, .o = o},
           (kind.tags & is::cloth) != 0
               ? "There was a loud rip, and $o <be> torn.|R-r-rip! Now each of them held one half "
                 "of it."
               : "Crack! $o <be> broken.|There was a crack, and each of them held one half of it.");
      feel(a, Mood::sad);
      tell("silence", {.a = a, .b = b},
           "For a long time, they looked at the pieces and said nothing.|Now nobody could play "
           "with it.");
      tell("regret", {.a = a, .b = b},
           "\"(a:b)That was silly of us,\" {say a}. \"(b:a)Let us mend it together,\" {answer b}.");
      mend(a, b, o);
    } else if (result == 1) {
      const Id c = animal(creature(true), false);
      tell("thief", {.a = a, .b = b, .c = c, .o = o},
           "While they were shouting, ~c came along, took @o and ran away with it.");
      tell("chase", {.a = a, .b = b, .c = c},
           "They stopped at once. \"(a:b)After it!\" {cry a}. $a <run> to the left and $b <run> to "
           "the right.|They looked at each other. Then they ran after it together.");
      tell("catch", {.a = a, .b = b, .c = c, .o = o},
           "$a <call> it in a friendly voice, and $b <hold> out something to eat. It came and put "
           "@o down.|Together they caught it behind the hedge, out of breath and laughing.");
    } else {
      const Id m = relative(a, true);
      tell("judge", {.a = m, .b = a, .c = b, .o = o},
           "`a heard the noise. \"(a)I will put it away until you can share it,\" $a <say>, and "
           "the two of them sat there with nothing.|"
           "`a came out. \"(a)If you cannot share it, nobody will have it,\" $a <say> and <put> @o "
           "on a high shelf.");
      tell("bored", {.a = a, .b = b},
           "[It was a long, dull afternoon.|The rest of the morning was very long.] At last $a "
           "<say>, \"(a:b)You can have the first turn.\" \"(b:a)No, you first,\" {say b}.");
      tell("return", {.a = m, .o = o},
           "When $a <hear> that, $a <smile> and <give> @o back to them.");
    }
    paragraph();
    tell("agree", {.a = a, .b = b, .o = o},
         "\"(b:a)You take it today, and I will take it tomorrow,\" {say b}. \"(a:b)That is fair,\" "
         "{say a}.|"
         "$ab <agree> to take turns.|\"(a:b)Let us play with it together,\" {say a}.");
    tell("play", {.a = a, .b = b, .o = o, .u = kind.use},
         "[They found out that it was|It was] much more fun to #u together.|They played until it "
         "was dark, and there was not one angry word.");
    tell("end", {.a = a, .b = b},
         "And they never quarrelled about a toy again.|A toy is good, but a friend is better.|And "
         "if they ever began to quarrel again, one of them said, \"Remember!\" and they laughed.");
  }

  void surprise() {
    begin("a surprise", "warm");
    const Id a = child();
    introduce(a);
    const Id b = maybe(0.7) ? relative(a, true) : child();
    paragraph();
    if (at(b).owner == nobody)
      tell("occasion", {.a = a, .b = b},
           "Tomorrow was the birthday of ^a best friend, `b.|^a friend `b had been ill for a long "
           "time and was coming home.");
    else
      tell("occasion", {.a = a, .b = b},
           "Tomorrow was the birthday of `b.|`b had worked hard all week and was very tired.");
    struct Gift_ {
      Words make, steps, name;
    };
    static constexpr Gift_ gifts[] = {
        {"bake a cake", "stirred flour, eggs and honey in a big bowl", "cake"},
        {"paint a picture", "painted the house, the garden and everyone in it", "picture"},
        {"knit a scarf", "knitted one row after the other, red and blue", "scarf"},
        {"carve a wooden bird", "carved the wings and the beak with a small knife", "wooden bird"},
        {"make a necklace", "put beads and shells on a string", "necklace"},
        {"sew a cushion", "cut out the cloth and filled it with wool", "cushion"},
        {"write a song", "wrote four verses and a merry tune", "song"},
        {"build a garden bench", "sawed the planks and hammered in the nails", "garden bench"},
        {"make a lantern", "cut stars into coloured paper", "lantern"},
        {"make a book of stories", "wrote a story on every page and drew pictures beside it",
         "book of stories"}};
    const Gift_& present = pick(gifts);
    const R r{.a = a, .b = b, .u = present.make, .v = present.steps, .w = present.name};
    so("plan", r,
       "\"(a)I will #u[, but it must be a secret|],\" {say a}.|$a <decide> to #u in secret.|$a "
       "<want> to #u, and nobody was to know.");
    then("work", r, "$a #v.|[Behind a closed door|In the shed|Early in the morning], $a #v.");
    if (plan_.animals) retold("$a #v.|Early in the morning, $a #v.");
    if (maybe(0.6))
      tell("danger", r,
           "Once `b nearly saw it. \"(b:a)What are you doing there?\" {ask b}. \"(a:b)Oh, "
           "nothing,\" {say a}.|"
           "Then there were footsteps! $a <throw> a cloth over everything and <begin> to whistle.");
    const bool fails = is_a(a, trait::careless | trait::impatient) ? maybe(0.8) : maybe(0.35);
    if (fails) {
      tell("fail", r,
           "But something went wrong: the first one was spoiled, and $a <have> to begin again.|But "
           "$a <be> in too much of a hurry, and it all fell apart.");
      feel(a, Mood::sad);
      tell("retry", r,
           "\"(a)I still have tonight,\" {say a}, and this time $a <work> slowly and carefully.|$a "
           "<wipe> ^a tears away and <begin> once more.");
    }
    tell("finish", r,
         "Just before bedtime, it was finished.|At last it was ready. It was not perfect, but it "
         "was made with love.");
    paragraph();
    tell("give", r,
         "In the morning, `b <come> into the room. \"(a:b)Surprise!\" {cry a}.|\"(a:b)Close your "
         "eyes,\" {say a}. \"(a:b)Now open them!\"");
    feel(b, maybe() ? Mood::surprised : Mood::happy);
    tell("thank", r,
         "\"(b:a)Did you make this #w for me?\" {ask b}. \"(b:a)It is the best present of my "
         "life.\"|$b <look> at the #w for a long time and then <hug> @a.");
    tell("end", r,
         "And to this day, the #w has a special place in the house.|$a <be> even happier than "
         "`b.|\"(a)Giving is the nicest thing of all,\" $a <think>.");
    if (present.name == "song" || present.name == "cake")
      retold(
          "\"(a)Giving is the nicest thing of all,\" $a <think>.|And the one who gave was even "
          "happier than the one who got.");
  }

  void skill() {
    struct Skill {
      Words what, trying, failing, advice, success;
    };
    static constexpr Skill skills[] = {
        {"ride a bicycle", "got on and pushed off", "wobbled and fell into the hedge",
         "Look at the road and not at your feet",
         "rolled all the way to the corner without falling"},
        {"swim", "jumped into the shallow water", "splashed about and swallowed water",
         "Lie flat and let the water hold you", "swam ten strokes all alone"},
        {"whistle", "blew and blew", "made no sound but a hiss",
         "Make your lips small and blow gently", "whistled a whole song"},
        {"skate", "stepped on the ice", "sat down with a bump", "Bend your knees a little",
         "glided across the ice in a wide circle"},
        {"knit", "took the needles and the wool", "made nothing but a big knot",
         "Count every stitch", "held up a long, warm scarf"},
        {"bake bread", "mixed flour and water",
         "took a loaf out of the oven that was as hard as a stone",
         "Let the dough rest under a cloth", "took out a loaf that was round and brown"},
        {"play the flute", "blew into the flute", "made it shriek like a cat",
         "Breathe slowly and listen", "played a tune that made everyone dance"},
        {"read", "looked at the letters", "mixed them all up",
         "Say each sound and then put them together", "read a whole page aloud"},
        {"juggle", "threw three apples into the air", "caught none of them",
         "Begin with one, then take two", "kept three apples in the air"},
        {"climb trees", "put both arms round the trunk", "slid down again",
         "Test each branch before you step on it", "sat at the very top and waved"},
        {"row a boat", "dipped the oars into the water", "went round and round in a circle",
         "Pull both oars at the same time", "rowed straight across the pond"},
        {"tie knots", "took a piece of rope", "tied two fingers together",
         "Think of a rabbit that runs round a tree and into its hole",
         "tied a knot that nobody could pull apart"},
        {"paint", "dipped the brush into the paint", "made one big brown puddle",
         "Wash the brush between two colours", "painted a sunset that glowed"},
        {"make pancakes", "poured the batter into the pan",
         "threw the pancake up, and it landed on the lamp", "Wait until the edge is brown",
         "turned the pancake in the air and caught it"},
        {"stand on one leg", "lifted one foot", "fell over like a sack",
         "Look at one point that does not move", "stood still for as long as a stork"},
        {"carve", "took a piece of wood and a knife", "broke off the nose of the wooden horse",
         "Cut away a little at a time", "held up a small horse with four straight legs"}};
    begin("learning something", "encouraging", 0.25);
    fair_weather();
    const Id a = child();
    introduce(a);
    const Skill* art = &pick(skills);
    while (plan_.animals && (art->what == "ride a bicycle" || art->what == "read"))
      art = &pick(skills);
    const R r{.a = a,
              .u = art->what,
              .v = art->trying,
              .w = art->failing,
              .x = art->advice,
              .y = art->success};
    tell("want", r,
         "$a <want> to learn to #u.|More than anything, $a <wish> to be able to #u.|All the others "
         "could #u, but $a <can> not.");
    paragraph();
    tell("try", {.a = a, .v = art->trying, .y = weather_->day},
         "[One #y morning|One day], $a #v.|One afternoon, $a #v.");
    but("fail", r, "$a #w");
    if (is_a(a, trait::proud | trait::impatient)) {
      feel(a, Mood::angry);
      tell("give_up", r,
           "\"(a)[This is stupid|I will never learn it|I do not want to learn it],\" {say a}.");
    } else if (maybe(0.6)) {
      tell("retry", r,
           "$a <try> again, and again it went wrong.|$a <try> ten times, and ten times it went "
           "wrong.");
      feel(a, Mood::sad);
    }
    paragraph();
    const Id b = maybe(0.6) ? relative(a, maybe()) : child();
    if (at(b).owner == nobody)
      tell("meet", {.a = b, .b = a},
           "^b friend `a <had be> watching.|^b friend `a came and sat down.");
    tell("advise", {.a = b, .b = a, .x = art->advice},
         "\"(a:b)Nobody can do it the first time,\" {say a}. \"(a:b)#x.\"|\"(a:b)#x,\" {say a}. "
         "\"(a:b)And do not be in a hurry.\"|\"(a:b)When I learned it, I made the same mistake,\" "
         "{say a}. \"(a:b)#x.\"");
    so("practise", r,
       "$a <try> it that way. It went a little better.|$a <practise> every day, in sunshine and in "
       "rain.|Day after day, $a <practise>, and each day it went a little better.");
    if (maybe(0.4))
      tell("doubt", r,
           "Once $a <want> to give up, but then $a <remember> how far $a <had come>.|Sometimes $a "
           "<be> tired, but $a <go> on.");
    paragraph();
    then("succeed", r,
         "Then one day, $a #y.|And then, one evening, $a #y.|After two weeks, $a #y.");
    feel(a, maybe(0.6) ? Mood::proud : Mood::happy);
    if (maybe(0.5))
      tell("praise", {.a = b, .b = a},
           "\"(a:b)[I knew that you could do it|Well done|Look at you]!\" {cry a}.");
    tell("end", r,
         "Now $a <can> #u, because $a never <stop> trying.|And soon $a <be> showing others how to "
         "#u.|\"(a)It was worth all the trouble,\" {say a}.");
  }

  void mystery() {
    begin("a mystery", "curious");
    const Id a = child(trait::clever);
    introduce(a);
    const Id b = child();
    struct Case {
      Words riddle, clue, second, culprit, reason;
    };
    static constexpr Case cases[] = {
        {"Every night, a pie disappeared from the windowsill", "There were crumbs on the path",
         "They led to a hole in the fence", "hedgehog", "It had five hungry babies"},
        {"Every morning, one sock was missing from the line",
         "There was a long hair on the last peg", "It was as red as rust", "fox cub",
         "It had made itself a soft, warm bed"},
        {"Every night, something went bump in the attic",
         "There was dust on the floor, and in it were tiny tracks", "They went to an old trunk",
         "squirrel", "It had hidden its nuts there for the winter"},
        {"Somebody had eaten all the lettuce in the garden",
         "The leaves had been bitten off low down", "Behind the shed was a little hill of earth",
         "rabbit", "There was no green grass in the dry field"},
        {"The spoons disappeared one after the other", "A black-and-white feather lay on the table",
         "Something was shining in the poplar tree", "magpie", "It loved everything that shone"},
        {"A strange song came from the well every evening", "It stopped whenever anyone came near",
         "There was a wet track on the stones", "frog", "It liked the echo of its own voice"},
        {"The milk was gone every morning", "There were little white footprints",
         "They went under the stairs", "cat", "It had four kittens to feed"},
        {"Somebody rang the bell in the middle of the night", "The rope was chewed at the end",
         "There was straw on the floor", "goat", "It thought that the rope was good to eat"},
        {"All the apples on the lowest branches were gone", "There were hoof marks in the grass",
         "They led to a gate that did not close", "pony", "Nobody had fed it for two days"},
        {"The wool in the basket was in a great tangle every morning",
         "A blue thread lay across the floor", "It ran under the cupboard", "kitten",
         "It only wanted to play"},
        {"The honey jar grew emptier every night", "The lid was sticky",
         "There were very small tracks on the shelf", "mouse",
         "It had a sore throat and needed something sweet"}};
    const Case* riddle = &pick(cases);
    while (plan_.animals && used(riddle->culprit)) riddle = &pick(cases);
    plan_.animals = false;
    const Id c = animal({riddle->culprit, "", "", "", true, true}, false);
    const R r{.a = a,
              .b = b,
              .c = c,
              .u = riddle->riddle,
              .v = riddle->clue,
              .w = riddle->second,
              .x = riddle->reason};
    paragraph();
    tell("riddle", r,
         "One day, strange things began to happen. #u.|Then something strange began to happen. #u, "
         "and nobody knew why.|#u. Nobody could explain it.");
    const bool blames = is_a(b, trait::proud | trait::impatient | trait::selfish) || maybe(0.3);
    if (blames)
      tell("suspect", r,
           "\"(b:a)It must be a [thief|ghost],\" {say b}, who was ^a best friend. \"(a:b)Let us "
           "find out first,\" {say a}.|"
           "^a friend `b said that it was a [thief|ghost]. \"(a:b)Let us look for clues,\" {say "
           "a}.");
    else
      tell("plan", r,
           "\"(a:b)Let us find out together,\" $a <say> to ^a friend @b.|$a <ask> ^a friend @b to "
           "help. \"(a:b)We will look for clues,\" $a <say>.");
    tell("clue", r, "$a <look> at everything very closely. #v.|First they looked for clues. #v.");
    then("clue", r, "\"(a:b)Look at this,\" {whisper a}. #w.|$b <find> something, too. #w.");
    paragraph();
    so("watch", r,
       "That night, they hid behind a [barrel|bush|big box] and waited. The moon came up, and an "
       "owl called.|When it was dark, they sat down in a corner and kept very still.");
    if (maybe(0.5)) feel(b, Mood::afraid);
    tell("reveal", r,
         blames ? "Then something moved. It was no [ghost|thief]. It was ~c!"
                : "Then something moved in the dark. It was ~c!|Suddenly there was a small noise. "
                  "$a <lift> the lamp, and there was ~c.");
    tell("explain", r,
         "\"(a:b)Now I understand,\" {say a}. #x.|They followed it quietly, and then they "
         "understood. #x.");
    paragraph();
    const bool eats = riddle->riddle.find("pie") != Words::npos ||
                      riddle->riddle.find("milk") != Words::npos ||
                      riddle->riddle.find("apple") != Words::npos ||
                      riddle->riddle.find("lettuce") != Words::npos ||
                      riddle->riddle.find("honey") != Words::npos;
    tell("solve", r,
         eats ? "From then on, $a <put> out a bowl of food for it every evening, and nothing "
                "disappeared any more.|So $ab <bring> it something to eat each night, and it never "
                "<steal.past> again."
              : "They let it have what it needed, and put everything else away safely.|They gave "
                "it a better place of its own, and there was peace in the house.");
    tell("end", r,
         "\"(b:a)You were right,\" {say b}. \"(b:a)[It is better to look than to guess|First look, "
         "then speak].\"|And everyone praised the two clever friends.|$a <be> already hoping for "
         "the next mystery.");
  }

  void building() {
    struct Work {
      Words what, parts, test, flaw, fix, use;
    };
    static constexpr Work works[] = {
        {"a raft", "four logs and a long rope", "pushed it into the water",
         "the knots were loose, and it came apart", "tied every knot twice",
         "sailed to the little island"},
        {"a tree house", "old planks and a bag of nails", "climbed up and stamped on the floor",
         "a plank broke in the middle", "laid two planks on top of each other",
         "could see the whole valley"},
        {"a kite", "thin sticks, paper and string", "ran with it into the wind",
         "it turned over and dived into the grass", "gave it a longer tail",
         "watched it dance among the clouds"},
        {"a bridge over the stream", "stones and a thick plank", "walked across it",
         "the plank slipped off the stones", "set the stones deeper into the bank",
         "could cross with dry feet"},
        {"a snow castle", "a hundred big snowballs", "put the roof on", "the roof fell in",
         "poured water on the walls so that they froze", "drank hot cocoa in the castle"},
        {"a cart", "a wooden box and four wheels", "rolled down the hill in it",
         "one wheel came off", "put a longer nail through each wheel",
         "rode down the hill again and again"},
        {"a little house for birds", "six boards and some straw", "hung it in the apple tree",
         "the hole was too big and a cat could reach in", "made a smaller door",
         "watched two blue birds move in"},
        {"a scarecrow", "two poles, straw and an old coat", "put it in the field",
         "the crows sat down on its arms", "hung bells on its sleeves",
         "saw all the crows fly away"},
        {"a windmill", "four paper wings and a stick", "held it into the wind",
         "the wings did not turn", "bent each wing a little", "heard it hum all day"},
        {"a boat of bark", "a piece of bark, a twig and a leaf", "put it on the water",
         "it leaned to one side and sank", "put a small stone in the middle",
         "watched it sail down to the bend"},
        {"a puppet theatre", "a big box and red curtains", "pulled the string",
         "the curtains fell on the puppets", "sewed little rings to the curtains",
         "played for all the neighbours"}};
    begin("building something", "busy");
    fair_weather();
    const Id a = child();
    introduce(a);
    const Id b = child();
    const Work& work = pick(works);
    const R r{.a = a,
              .b = b,
              .u = work.what,
              .v = work.parts,
              .w = work.flaw,
              .x = work.fix,
              .y = work.use,
              .z = work.test};
    paragraph();
    tell("plan", r,
         "\"(a:b)Let us build #u!\" $a <say> to ^a friend @b one day.|One day, $a <have> an idea. "
         "\"(a)I will build #u,\" {say a}. ^a friend `b wanted to help.");
    tell("gather", r, "They needed #v.|First, they looked for #v.|In the shed, they found #v.");
    if (plan_.animals) retold("They needed #v.|First, they looked for #v.");
    const bool borrows = maybe(0.6) && (work.parts.find("plank") != Words::npos ||
                                        work.parts.find("wheel") != Words::npos ||
                                        work.parts.find("board") != Words::npos);
    if (borrows) {
      const Id c = worker(job_of("carpenter"));
      const Id tool = plain_thing(pick({"hammer", "saw", "pair of pliers", "measuring tape"}));
      tell("borrow", {.a = a, .b = c, .o = tool},
           "$a <run> to @b. \"(a:b)May I borrow your %o?\" {ask a}. \"(b:a)Yes, if you bring it "
           "back tonight,\" {answer b}.");
    }
    const bool hurried = is_a(a, trait::impatient | trait::careless | trait::merry) || maybe(0.4);
    tell("work", r,
         hurried ? "They worked so fast that they were ready before noon.|\"(a:b)Quick, quick!\" "
                   "{cry a}, and they did not measure anything."
                 : "They worked all morning. $a <measure>, and $b <hold> everything in place.|They "
                   "measured everything twice and worked slowly.");
    paragraph();
    then("test", r, "At last they #z.|Then came the great moment. They #z.");
    tell("flaw", r, "But #w.|But, oh no, #w!");
    if (is_a(b, trait::proud | trait::selfish | trait::impatient) && maybe(0.7)) {
      tell("blame", r,
           "\"(b:a)I told you that it would not work,\" {say b}.|$b <kick> it and <want> to go "
           "home.");
      tell("persuade", r,
           "\"(a:b)Let us find out why,\" {say a}. \"(a:b)A mistake is a good teacher.\"");
    } else {
      feel(a, maybe(0.7) ? Mood::sad : Mood::surprised);
      tell("think", r,
           "They sat down and thought.|\"(b:a)Let us think about it,\" {say b}.|Then $b <laugh>. "
           "\"(b:a)Now we know what not to do,\" {say b}.");
    }
    so("fix", r,
       "They began again, and this time they #x.|$b <know> what to do. They #x.|So they #x.");
    paragraph();
    tell("succeed", r, "Now it worked! They #y.|And then they #y.");
    feel(a, Mood::proud);
    if (borrows)
      tell("return", r, "In the evening, $a <bring> the tool back, just as $a <had promise>.");
    tell("end", r,
         "\"(a:b)What shall we build tomorrow?\" {ask a}.|The second try is often the best "
         "one.|They had built it together, and that was the best thing about it.");
  }

  void promise() {
    begin("a broken promise", "moral");
    const Id a = child(maybe(0.6) ? trait::careless | trait::merry | trait::impatient : 0);
    introduce(a);
    const Id b = maybe() ? relative(a, true) : child();
    struct Duty {
      Words task, forgotten, repair;
    };
    static constexpr Duty duties[] = {
        {"close the garden gate", "the goats had walked in and eaten the flowers",
         "planted new flowers, row by row"},
        {"feed the hens", "the hens were so hungry that they had run into the road",
         "caught every single hen and fed them all"},
        {"water the young trees", "the leaves of the young trees had turned brown",
         "carried water from the well until it was dark"},
        {"watch the pot on the stove", "the soup had burned, and the kitchen was full of smoke",
         "scrubbed the pot and cooked new soup"},
        {"take the letter to the post", "the letter had missed the last coach",
         "ran all the way to the next village with the letter"},
        {"bring in the washing before the rain", "the washing was wet and muddy",
         "washed every piece once more"},
        {"shut the door of the rabbit house", "the white rabbit was gone",
         "searched under every bush until the rabbit was found"},
        {"tie up the boat", "the boat had floated away",
         "walked along the bank for miles and brought it back"},
        {"pick the pears before the frost", "the pears were hard and black",
         "gave away a whole jar of savings to buy new ones"},
        {"keep the fire burning", "the fire was out, and the house was cold",
         "chopped wood until there was a big heap"}};
    const Duty* duty = &pick(duties);
    while (plan_.animals &&
           (duty->repair.find("rabbit") != Words::npos || duty->task.find("hens") != Words::npos ||
            duty->forgotten.find("goats") != Words::npos))
      duty = &pick(duties);
    const R r{.a = a, .b = b, .u = duty->task, .v = duty->forgotten, .w = duty->repair};
    paragraph();
    tell("ask", r,
         at(b).owner == nobody
             ? "One day, ^a friend `b <have> to go away. \"(b:a)Please #u while I am gone,\" {say "
               "b}.|^a friend `b asked @a to #u."
             : "One day, `b <have> to go to town. \"(b:a)Please #u,\" {say b}. \"(b:a)Can I trust "
               "you?\"|\"(b:a)Do not forget to #u[, {call a}|],\" {say b} one morning.");
    tell("promise", r, "\"(a:b)[I promise|You can trust me|Of course],\" {say a}.");
    const std::string_view lure =
        pick({"the others called @a to come and swim", "a band of musicians came along the road",
              "$a <begin> to read a thrilling book", "there was a juggler on the green",
              "$a <lie> down in the sun and <fall> asleep",
              "$a <see> a beautiful butterfly and <run> after it",
              "the others were playing hide-and-seek"});
    tell("forget", {.a = a, .u = lure, .v = duty->task},
         "But then #u, and $a <forget> all about it.|Then #u, and soon the promise was forgotten.");
    paragraph();
    then("discover", r,
         "When $a <come> back, #v.|In the evening, $a <remember>. $a <run> as fast as $a <can>, "
         "but it was too late: #v.");
    feel(a, maybe() ? Mood::sorry : Mood::afraid);
    const bool excuse =
        is_a(a, trait::proud | trait::selfish | trait::timid) ? maybe(0.65) : maybe(0.2);
    if (excuse) {
      tell("excuse", r,
           "\"(a:b)It was not my fault,\" $a <say> when $b <come> home. But $b only <look> at "
           "@a.|At first $a <think> of a hundred excuses.");
      tell("shame", r, "Then $a <feel> even worse, because $a <know> that it was not true.");
    }
    tell("confess", r,
         "\"(a:b)I forgot my promise,\" {say a}. \"(a:b)[I will make it good|I will put it "
         "right].\"|$a <tell> @b the truth.");
    tell("answer", r,
         "\"(b:a)A promise is like an egg,\" {say b}. \"(b:a)It is easily broken.\"|$b <be> "
         "disappointed and <not say> much.|\"(b:a)I counted on you,\" {say b}.");
    paragraph();
    so("repair", r, "$a <not wait>. $a #w.|The next day, $a #w.|Nobody had to ask again. $a #w.");
    if (maybe(0.5))
      tell("tire", r,
           "It took a long time, and every bone ached.|It was hard, but $a <not stop> until it was "
           "done.");
    forgive(b, a);
    tell("end", r,
         "After that, when $a <give> a promise, $a <keep> it.|And the next time, $a <tie> a knot "
         "in ^a handkerchief so as not to forget.|From that day on, everybody could trust @a.");
  }

  void illness() {
    begin("a sick friend", "gentle");
    const Id a = child();
    introduce(a);
    const Id b = child();
    const R r{.a = a,
              .b = b,
              .w = pick({"a bad cold", "a fever", "a sore throat", "a broken leg", "a cough",
                         "the measles"}),
              .y = weather_->day};
    paragraph();
    tell("miss", r,
         "Every day, $a <play> with ^a friend @b. But one #y morning, $b <not come>.|One #y "
         "morning, $a <wait> for ^a friend @b, but $b <not come>.");
    so("visit", r,
       "$a <go> to ^b house and <knock>. $b <be> in bed with #w.|$a <go> to see why. $b <have> #w "
       "and <have> to stay in bed.");
    tell("complain", r,
         "\"(b:a)It is so dull here,\" {say b}. \"(b:a)I can hear everyone playing outside.\"|$b "
         "<look> pale and sad.");
    so("plan", r,
       "All the way home, $a <think> about what to do.|$a <want> to do something about it.");
    paragraph();
    constexpr std::string_view first_cheers[] = {
        "The next day, $a <cook> a pot of soup and <carry> it to @b, and not a drop was spilled.",
        "The next morning, $a <pick> flowers of every colour and <put> them beside ^b bed.",
        "The next day, $a <stand> outside the window and <make> funny faces until $b <laugh>.",
        "That same evening, $a <paint> a picture of everything that they would do together in "
        "spring.",
        "The next morning, $a <catch> a bright green grasshopper and <let> it sing beside ^b bed.",
        "$a <tie> a string with a little bell from one window to the other, so that they could "
        "ring for each other."};
    constexpr std::string_view daily_cheers[] = {
        "After that, $a <come> every day and <read> aloud from a thick book.",
        "Every evening, $a <bring> all the news of the day.",
        "Every afternoon, they played a game on the blanket, and sometimes $a <let> @b win.",
        "And every day, $a <tell> @b a new story about a sailor who was afraid of water."};
    tell("cheer", r, pick(first_cheers));
    if (maybe(0.6)) tell("cheer", r, pick(daily_cheers));
    if (is_a(a, trait::impatient | trait::selfish) || maybe(0.25))
      tell("tempt", r,
           "Once the others called, \"Come and play with us!\" $a <want> to go, but $a <stay> with "
           "@b.");
    tell("recover", r, "Every day, $b <be> a little better.|Soon ^b cheeks were red again.");
    paragraph();
    then("well", r,
         "At last $b <can> get up. The first thing that $b <do> was to run to ^a house.|One "
         "morning, there was a knock at ^a door. It was `b!");
    tell("thank", r,
         "\"(b:a)You were my best medicine,\" {say b}.|\"(b:a)Without you, I would have been ill "
         "much longer,\" {say b}.");
    tell("end", r,
         "And they ran out into the sun.|And when $a <catch> a cold that winter, guess who came "
         "with a pot of soup!|Then they played until evening, to make up for the lost days.");
  }

  void astray() {
    begin("lost on the way", "exciting");
    fair_weather();
    const Id a = child(maybe(0.5) ? trait::careless | trait::bold | trait::clever : 0);
    introduce(a);
    const Id p = somewhere(place::dark, place::indoors | place::home);
    const std::string_view lure =
        pick({"a blue butterfly", "a shining beetle", "the sweetest strawberries", "a strange song",
              "a white hare", "golden mushrooms", "a little stream"});
    one_day("follow", {.a = a, .p = p, .w = lure},
            at(p).noun == "cave"          ? "<follow> #w into a cave with many passages"
            : at(p).noun == "pine forest" ? "<follow> #w deep into the pine forest"
                                          : "<follow> #w deep into the wood");
    tell("astray", {.a = a},
         "When $a <look> up, nothing looked the way it had before.|Soon $a <not know> any more "
         "where $a <be>.");
    feel(a, Mood::afraid);
    if (is_a(a, trait::timid) || maybe(0.4))
      tell("call", {.a = a},
           "\"(a)Hello! Is anybody there?\" {cry a}. Only the echo answered.|$a <call> for help, "
           "but nobody came.");
    tell("calm", {.a = a},
         "$a <sit> down on a stone. \"(a)First breathe, then think,\" $a <say> to &a.|\"(a)I must "
         "not run about,\" $a <think>. \"(a)I must use my head.\"");
    paragraph();
    const std::size_t way = any(4);
    if (at(p).noun != "cave" && way == 0) {
      tell("sign", {.a = a},
           "$a <hear> water. \"(a)A stream always leads to the valley,\" {say a}, and $a <follow> "
           "it down.|There was moss on one side of the trees. $a <know> what that meant and <go> "
           "the right way.");
    } else if (at(p).noun != "cave" && way == 1) {
      tell("sign", {.a = a},
           "When night fell, the stars came out. $a <find> the brightest one and <walk> towards "
           "it.|Far away, there was a thin line of smoke. $a <walk> towards it.");
    } else {
      const Id c = animal(creature(true), false);
      tell("meet", {.a = a, .c = c},
           "Then ~c came by. It had caught its foot in a root and was crying.|There sat ~c with a "
           "thorn in its foot.");
      tell("help", {.a = a, .c = c},
           "$a <be> in trouble too, but $a <help> it first.|Very gently, $a <help> it.");
      so("lead", {.a = c, .b = a},
         "It ran a few steps and looked back, ran and looked back. It was showing @b the way!|It "
         "pulled at ^b sleeve and led @b along a hidden path.");
      if (plan_.animals)
        retold(
            "It ran a few steps and looked back, ran and looked back. It was showing @b the way!");
    }
    if (maybe(0.45))
      tell("trial", {.a = a},
           "The way was long, and it grew cold, but $a <keep> going.|Once $a <stumble> and "
           "<scratch> ^a knee, but $a <get> up again.");
    paragraph();
    const Id b = relative(a, true);
    tell("home", {.a = a, .b = b},
         "At last $a <see> the light of ^a own house. $b <be> standing at the door with a "
         "lantern.|Then $a <hear> a voice calling. It was `b, who <had be> looking everywhere.");
    tell("embrace", {.a = b, .b = a},
         "\"(a:b)[There you are|We were so worried]!\" {cry a}.|$a <hold> @b tightly for a long "
         "time.");
    tell("end", {.a = a},
         "From that day on, $a <put> a white stone at every turning of the path.|After that, $a "
         "never <go> so far without telling anyone.|\"(a)Next time I will stay on the path,\" {say "
         "a}.");
  }

  void teamwork() {
    begin("a job too big for one", "funny");
    fair_weather();
    const Id a = child();
    introduce(a);
    struct Task {
      Words what, trying, result, many;
    };
    static constexpr Task tasks[] = {
        {"a turnip as big as a barrel", "pulled with all possible strength",
         "it did not move at all", "pulled together, one behind the other"},
        {"a tree that had fallen across the path", "pushed against the trunk",
         "it did not move at all", "rolled it aside with poles"},
        {"a cart that was stuck in the mud", "pushed from behind", "the wheels only sank deeper",
         "pushed and pulled at the same time"},
        {"a boat that lay on the sand", "pushed until the sweat ran", "it did not move at all",
         "put round logs under it and pushed"},
        {"a heavy bell that had fallen from its tower", "tied a rope to it and pulled",
         "the rope only creaked", "pulled on six ropes at once"},
        {"a field full of potatoes that had to be dug up before the rain", "dug until noon",
         "only one row was done", "took one row each and sang while they dug"},
        {"a great heap of snow in front of the door", "shovelled all morning",
         "it was still higher than the window", "shovelled from both sides until they met"},
        {"a big stone in the middle of the field", "dug and pushed", "it was far too heavy",
         "lifted it out with a long beam"}};
    const Task& task = pick(tasks);
    const R r{.a = a,
              .u = task.what,
              .v = task.trying,
              .w = task.result,
              .x = task.many,
              .y = weather_->day,
              .z = pick(day_times)};
    paragraph();
    tell("find", r, "One #y #z, there was #u.|One #z, $a <find> #u.");
    const bool proud = is_a(a, trait::proud | trait::selfish | trait::bold);
    tell("attempt", r,
         proud ? "\"(a)I can do this alone,\" {say a}. $a #v, but #w.|$a <not want> any help. $a "
                 "#v, but #w."
               : "$a #v, but #w.|First, $a <try> alone. $a #v, but #w.");
    const Id b = child();
    const Id c = plan_.animals ? child() : relative(a, maybe());
    tell("offer", {.a = b, .b = a},
         "Then ~a came by. \"(a:b)[May I help|Can I help you|Shall I help you]?\" {ask a}.");
    if (proud) {
      tell("refuse", {.a = a, .b = b},
           "\"(a:b)No, thank you,\" {say a}, and $a <go> on. But nothing changed.|\"(a:b)I do not "
           "need anyone,\" {say a}. An hour later, $a <be> worn out.");
      tell("admit", {.a = a, .b = b},
           "\"(a:b)I cannot do it alone after all,\" {say a}. \"(a:b)Please help me.\"|At last $a "
           "<have> to laugh at &a. \"(a:b)Please help me,\" $a <say>.");
    } else {
      tell("accept", {.a = a, .b = b},
           "\"(a:b)[Yes, please|That would be kind],\" {say a}. But even two were not enough.");
    }
    const std::string_view third_text =
        plan_.animals && at(c).owner == nobody
            ? "So they called ~c, and $c <come> at once.|Then ~c came to help, too."
            : "So they called `c, too.|Then `c came and helped, too.";
    tell("join", {.a = a, .b = b, .c = c}, third_text);
    paragraph();
    tell("together", r,
         "All three of them #x. \"One, two, three!\" And then it was done.|\"(a)One, two, three!\" "
         "{cry a}. They #x, and at last it was done.");
    if (maybe(0.5))
      tell("tumble", r,
           "They all fell over backwards and lay in a heap, laughing.|They were so surprised that "
           "they all sat down in the mud.");
    if (task.what.starts_with("a turnip"))
      tell("feast", r, "That evening, there was turnip soup for everyone.");
    else
      tell("feast", r,
           "Then they sat down in the shade and ate [bread and honey|apples|plum cake].");
    tell(
        "end", r,
        proud
            ? "And from then on, $a <be> not too proud to ask for help.|Many hands make light work."
            : "\"(a)What is too big for one is easy for three,\" {say a}.|It is good to have "
              "friends.|"
              "That is what friends are for.");
  }

  void wish() {
    begin("a wish", "magical");
    fair_weather();
    const Id a = child();
    introduce(a);
    const std::string_view giver = pick({"a little golden fish", "an old woman with silver hair",
                                         "a tiny fairy with glass wings", "a talking toad",
                                         "a star that had fallen from the sky",
                                         "a small man with a green hat", "a white bird"});
    const Id p = somewhere(place::water | place::wild, place::indoors);
    const R r{.a = a, .p = p, .u = giver};
    one_day("find", r, "<find> #u =p");
    tell(
        "trouble", r,
        giver.find("fish") != Words::npos ? "It was lying on the bank and could not get back into "
                                            "the water.|It was caught between two stones."
        : giver.find("star") != Words::npos
            ? "Its light was growing weak.|It was cold and wet from the rain."
        : giver.find("woman") != Words::npos
            ? "She could not carry her heavy bundle of wood.|She was hungry and had nothing to eat."
        : giver.find("man") != Words::npos
            ? "His beard was caught in a crack of the rock.|He had lost his way home."
            : "It was caught in a spider's web.|It had fallen into a deep hole.");
    const Words it = giver.find("woman") != Words::npos ? "she"
                     : giver.find("man") != Words::npos ? "he"
                                                        : "it";
    so("help", r, "$a <help> at once.|$a <not think> twice and <help>.");
    tell("grant", {.a = a, .w = it},
         "\"Thank you,\" #w said. \"Because you helped me, you may make a wish.\"|\"You have a "
         "good heart,\" #w said. \"Make a wish, and it will come true.\"");
    paragraph();
    const bool greedy =
        is_a(a, trait::selfish | trait::impatient | trait::proud) ? maybe(0.85) : maybe(0.3);
    if (greedy) {
      struct Folly {
        Words wish, effect, cost;
      };
      static constexpr Folly follies[] = {
          {"I wish that everything I touch turned into sweets",
           "the chair became chocolate and the cup became sugar",
           "even the water tasted sweet, and nobody could drink it"},
          {"I wish to be as tall as a tree", "in a moment, the roofs were far below",
           "no door and no bed was big enough any more"},
          {"I wish that it were my birthday every day", "every day there were cake and presents",
           "soon nobody was happy about them, and everybody grew tired of singing"},
          {"I wish for a mountain of gold", "a mountain of gold stood in front of the house",
           "nobody could get in or out of the door any more"},
          {"I wish that I never had to sleep", "the nights were full of games",
           "everybody else was asleep, and the nights were long and lonely"},
          {"I wish that nobody could ever say no to me", "everyone did whatever they were told",
           "nobody laughed or played of their own free will"},
          {"I wish to be invisible", "nobody could see what was going on",
           "nobody said hello any more, and nobody laid a plate on the table"}};
      const Folly& folly = pick(follies);
      const R f{.a = a, .u = folly.wish, .v = folly.effect, .w = folly.cost};
      tell("wish", f,
           "\"(a)#u!\" {cry a}. And so it was: #v.|$a <not think> for long. \"(a)#u,\" {say a}, "
           "and #v.");
      tell("delight", f, "At first it was wonderful.|For one day, it was great fun.");
      tell("cost", f, "But #w.|But then #w.");
      feel(a, Mood::sad);
      so("undo", {.a = a, .p = p, .u = giver},
         "$a <run> back +p. \"(a)Please take my wish away,\" {say a}. \"(a)I want everything to be "
         "as it was.\"|\"(a)I wish that I had never made that wish,\" {whisper a} into the wind.");
      tell("undone", f,
           "And in a moment, everything was as before.|There was a soft sound like a bell, and it "
           "was over.");
      paragraph();
      tell("end", f,
           "After that, $a <think> carefully before $a <wish> for anything.|And $a <be> glad of "
           "every small and ordinary thing.|And never had plain bread tasted so good.");
    } else {
      struct Kindness {
        Words wish, effect;
      };
      static constexpr Kindness kindnesses[] = {
          {"I wish that nobody in our village were hungry this winter",
           "the next morning, every cupboard was full"},
          {"I wish that my grandmother could see again",
           "when the sun rose, the old eyes saw the flowers in the garden"},
          {"I wish for rain for the dry fields",
           "the clouds came, and soft rain fell all night long"},
          {"I wish that the old mill would turn again",
           "the wheel began to turn, and there was flour for everyone"},
          {"I wish that my sick friend were well",
           "that very evening, there was a knock at the door, and there stood the friend, "
           "laughing"},
          {"I wish that there were a bridge across the wild river",
           "in the morning mist stood a bridge of white stone"}};
      const Kindness* deed = &pick(kindnesses);
      while (plan_.animals &&
             (deed->wish.find("village") != Words::npos || deed->wish.find("mill") != Words::npos))
        deed = &pick(kindnesses);
      const R f{.a = a, .u = deed->wish, .v = deed->effect};
      tell("think", f,
           "$a <think> of toys and sweets and gold. But then $a <think> of something better.|$a "
           "<close> ^a eyes and <think> for a long time.");
      tell("wish", f, "\"(a)#u,\" {say a}.|\"(a)#u,\" {whisper a}.");
      tell("come_true", f, "And #v.|It was quiet for a while. But #v.");
      feel(a, Mood::happy);
      paragraph();
      tell("end", f,
           "$a <tell> nobody about the wish, but $a <smile> for a long time.|The best wishes are "
           "the ones that we make for others.|Nobody ever found out who had wished for it.");
    }
  }

  void winter() {
    begin("a hard winter", "moral", 0.6);
    const Id a = child(trait::patient | trait::careful | trait::generous);
    introduce(a);
    const Id b = child(trait::merry | trait::careless | trait::impatient);
    const R r{.a = a,
              .b = b,
              .w = plan_.animals
                       ? pick({"nuts and seeds", "dried berries", "roots and mushrooms", "acorns"})
                       : pick({"firewood", "apples and potatoes", "flour and beans"})};
    paragraph();
    tell("gather", r,
         "All summer long, $a <gather> #w for the winter.|While the sun shone, $a <fill> the store "
         "with #w.");
    tell("play", {.a = b, .b = a},
         "^b neighbour `a only <laugh>. \"(a:b)Winter is far away. Come and dance with me!\" {cry "
         "a}.|But ^b neighbour `a <sing> and <play> from morning till night.");
    tell("warn", {.a = a, .b = b},
         "\"(a:b)The cold will come,\" {say a}. But $b <not listen>.|\"(a:b)You should think of "
         "tomorrow,\" {say a}. \"(b:a)Tomorrow is far away,\" {answer b}.");
    paragraph();
    tell("cold", {},
         "Then the north wind came, and snow covered the land.|One morning, everything was white "
         "and frozen.");
    tell("want", {.a = b},
         "$a <have> nothing to eat and nothing to burn.|$a <sit> in a cold room, and there was "
         "nothing in the cupboard.");
    if (plan_.animals)
      retold("$a <have> nothing to eat.|$a <shiver>, and there was nothing in the store.");
    feel(b, maybe() ? Mood::hungry : Mood::sorry);
    then("knock", {.a = b, .b = a},
         "$a <go> through the snow and <knock> at ^b door. \"(a:b)Please help me,\" {whisper "
         "a}.|At last $a <come> to ^b house and <ask> for help.");
    const bool stern = maybe(0.35) && !is_a(a, trait::generous);
    if (stern) {
      tell("doubt", {.a = a, .b = b},
           "\"(a:b)What did you do all summer?\" {ask a}. \"(b:a)I sang and danced,\" {answer b}. "
           "$a <be> silent for a while.");
    }
    tell("welcome", {.a = a, .b = b},
         "\"(a:b)Come in and get warm,\" {say a}. \"(a:b)There is enough for two.\"|$a <open> the "
         "door wide and <put> a bowl of hot soup on the table.");
    tell("repay", {.a = b, .b = a},
         "In return, $a <sing> every evening, and the long winter seemed short.|$a <tell> the "
         "funniest stories, and there was laughter in the house until spring.");
    paragraph();
    tell("end", {.a = b, .b = a, .w = r.w},
         "And when summer came again, $a <be> the first to gather #w.|The next summer, $ab <work> "
         "in the morning and <sing> in the afternoon.");
  }

  void found_purse() {
    begin("honesty", "moral", 0.2);
    const Id a = child();
    introduce(a);
    const std::string_view found =
        plan_.animals ? pick({"a bag of golden acorns", "a basket of hazelnuts",
                              "a necklace of blue beads", "a jar of honey"})
                      : pick({"a leather purse full of coins", "a wallet with a silver clasp",
                              "a golden watch on a chain", "an envelope with money in it",
                              "a box with three silver spoons"});
    const Id p = somewhere(place::road | place::play, place::indoors);
    const R r{.a = a, .p = p, .u = found};
    one_day("find", r, "<find> #u =p");
    const bool tempted =
        is_a(a, trait::selfish | trait::proud | trait::impatient) ? maybe(0.8) : maybe(0.4);
    tell("look", r,
         "$a <look> round. There was nobody to be seen.|\"(a)Who can have lost this?\" $a "
         "<wonder>.|$a <call> out, but nobody answered.");
    if (tempted) {
      tell("tempt",
           {.a = a,
            .u = plan_.animals
                     ? pick({"eat like a king for a month", "never have to gather food again",
                             "give the greatest feast in the wood"})
                     : pick({"buy every toy in the shop", "eat cake for a whole year", "buy a pony",
                             "travel to the sea", "buy the biggest kite in town"})},
           "\"(a)With this I could #u,\" $a <think>.|For a while, $a <dream>. $a <can> #u!");
      tell("take", r,
           "$a <hide> it under ^a jacket and <walk> on quickly.|So $a <take> it home and <hide> it "
           "in a drawer.");
      if (plan_.animals) retold("So $a <take> it home and <hide> it under some leaves.");
      tell("regret", r,
           "But it seemed to grow heavier with every step.|But that night, $a <not sleep>. Every "
           "creak sounded like a footstep.");
    }
    const Id b = worker(job());
    paragraph();
    tell("meet", {.a = b, .b = a},
         tempted
             ? "The next day, `a was looking under every bush. ^a eyes were red. \"(a:b)I have "
               "lost everything I had,\" {say a}. \"(a:b)It was meant for my sick daughter.\"|"
               "In the morning, $b <meet> @a, who was looking for something and was close to tears."
             : "Just then, `a came along, pale and out of breath. \"(a:b)Have you seen anything on "
               "the path?\" {ask a}.|"
               "Not far away, `a was turning over every leaf. $a <look> very unhappy.");
    tell("return", {.a = a, .b = b, .u = found},
         tempted
             ? "$a <feel> ^a face grow hot. $a <run> home, <bring> it back and <give> it to "
               "@b.|\"(a:b)I found it, and I wanted to keep it,\" {whisper a}. \"(a:b)I am sorry.\""
             : "\"(a:b)[Is this yours|Are you looking for this]?\" {ask a}.|$a <hold> it out. "
               "\"(a:b)I think that this is yours,\" {say a}.");
    if (tempted)
      retold(
          "^a face grew hot. $a <run> home, <come> back and <put> it into ^b hands.|\"(a:b)I found "
          "it, and I wanted to keep it,\" {whisper a}. \"(a:b)I am sorry.\" Then $a <give> it "
          "back.");
    tell("joy", {.a = b, .b = a},
         "$a <can> hardly believe it. \"(a:b)[You do not know what this means to me|You have saved "
         "me|There are still honest people in the world],\" {say a}.|Tears of joy ran down ^a "
         "cheeks.");
    if (plan_.animals)
      retold(
          "$a <can> hardly believe it. \"(a:b)[You do not know what this means to me|You have "
          "saved me],\" {say a}.");
    if (maybe(0.55)) {
      const Id o = thing(thing_kind(is::gift, is::house));
      paragraph();
      tell("reward", {.a = b, .b = a, .o = o},
           "A week later, $a <come> to see @b and <bring> @b ~o as a present.|To say thank you, $a "
           "<give> @b ~o.");
      feel(a, Mood::happy);
    } else {
      feel(a, maybe() ? Mood::relieved : Mood::proud);
    }
    paragraph();
    tell("end", {.a = a},
         tempted ? "That night, $a <sleep> soundly again.|From then on, $a <know> that a thing "
                   "that belongs to someone else weighs more than lead."
                 : "$a <have> nothing more than before, and yet $a <feel> rich.|A clear conscience "
                   "is a soft pillow.");
  }

  void rumour() {
    begin("a rumour", "funny");
    const Id a = child();
    introduce(a);
    struct Tale {
      Words truth, first, second, third;
    };
    static constexpr Tale tales[] = {
        {"lost a coat button", "has lost every button", "has no more clothes to wear",
         "has been robbed by thieves and is freezing in a ditch"},
        {"sneezed twice", "has a terrible cold", "has a fever and sees ghosts",
         "has only one day to live"},
        {"saw a big shadow", "has seen a wolf", "has fought with a wolf",
         "has been carried off by ten wolves"},
        {"found an old coin", "has found a purse", "has found a chest of gold",
         "has bought a castle"},
        {"slipped on the bridge", "has fallen off the bridge", "has been washed away by the river",
         "is sailing to China on a log"},
        {"caught a small fish", "has caught a big fish", "has caught a fish as long as a boat",
         "rides through the lake on a whale"},
        {"burned a piece of toast", "has burned the whole breakfast", "has set the kitchen on fire",
         "has burned down the house"},
        {"ate a sour apple", "has a bad stomach ache", "has eaten a poisoned apple",
         "lies in a glass box in the forest"},
        {"planted a big pumpkin", "has a pumpkin as big as a cow", "lives in a pumpkin",
         "drives to town in a golden pumpkin"}};
    const Tale& tale = pick(tales);
    const Id b = child();
    const Id c = child();
    const R r{.a = a,
              .b = b,
              .c = c,
              .u = tale.truth,
              .v = tale.first,
              .w = tale.second,
              .x = tale.third};
    paragraph();
    tell("happen", r,
         "One morning, $a #u. That was all.|One day, something quite small happened: $a #u.");
    tell("tell", {.a = b, .b = c, .c = a, .v = tale.first},
         "^c friend `a heard of it and told it to ~b. \"(a:b)Imagine, `c #v!\" {say a}.|`a, who "
         "lived nearby, ran to ~b. \"(a:b)Have you heard? `c #v!\"");
    tell("exaggerate", {.a = c, .b = a, .w = tale.second},
         "$a <shake> ^a head and <run> to the neighbours. \"(a)Poor `b #w!\" {say a}.|"
         "$a <run> from house to house. \"(a)Do you know that `b #w?\" {ask a}.");
    tell("spread", {.a = a, .x = tale.third},
         "By noon, everyone was saying that `a #x.|And so it went on from door to door. In the "
         "end, people said that `a #x.");
    // What is said now was said then.
    std::string told_last(tale.third);
    if (told_last.starts_with("has ")) told_last.replace(0, 3, "had");
    if (told_last.starts_with("is ")) told_last.replace(0, 2, "was");
    if (told_last.starts_with("rides ")) told_last.replace(0, 5, "rode");
    if (told_last.starts_with("lies ")) told_last.replace(0, 4, "lay");
    if (told_last.starts_with("drives ")) told_last.replace(0, 6, "drove");
    if (const std::size_t is_at = told_last.find(" and is "); is_at != std::string::npos)
      told_last.replace(is_at, 8, " and was ");
    plan_.events.back().roles.x = keep(std::move(told_last));
    paragraph();
    tell("gather", {.a = a},
         "In the evening, all of them came to ^a house with [flowers|candles|soup and bandages] "
         "and sad faces.|Everybody hurried to ^a house to help.");
    tell("open", {.a = a, .b = c},
         "The door opened, and there stood `a, [eating an apple|with a spoon in one hand|in the "
         "best of health]. \"(a)What is the matter?\" {ask a}.");
    feel(a, Mood::surprised);
    tell("laugh", {.a = a, .u = tale.truth},
         "When $a <hear> what people said, $a <laugh> until $a <have> to sit down. \"(a)I only "
         "#u,\" $a <say>.|"
         "\"(a)I only #u! That is all,\" {laugh a}.");
    tell("ashamed", {.a = b, .b = c}, "$ab <look> at each other and <turn> red.");
    paragraph();
    tell("end", {.a = b, .b = a},
         "After that, $a always <ask> first whether a story was true.|A story is like a snowball: "
         "it grows as it rolls.|Since everyone was there with soup and flowers, they had a party "
         "instead.");
  }

  void training() {
    begin("training a pet", "funny", 0.0);
    const Id a = child();
    introduce(a);
    const Creature& kind = pick(creatures);
    const Creature* pet = &kind;
    while (!pet->pet || pet->noun == "tortoise" || pet->noun == "hamster" ||
           pet->noun == "canary" || pet->noun == "rabbit")
      pet = &pick(creatures);
    const Id c = animal(*pet, true, a);
    at(c).adjectives =
        pick({"lively", "naughty", "clumsy", "fluffy", "spotted", "young", "hungry", "curious"});
    const bool bird = pet->noun == "parrot";
    const std::string_view misdeed =
        bird ? pick({"shouted \"Fire!\" in the middle of the night",
                     "threw all the seeds out of the cage", "told everyone a great secret",
                     "bit the postman in the finger"})
             : pick({"chewed up a slipper", "dug up the tulips", "stole a sausage from the table",
                     "jumped up at every visitor", "chased the hens",
                     "pulled the washing off the line", "tore a cushion into a hundred pieces"});
    const std::string_view trick =
        bird ? pick({"say good morning", "sing a song", "fly to ^a shoulder", "count to three"})
             : pick({"sit and wait", "give a paw", "fetch the newspaper", "jump through a hoop",
                     "come when called", "roll over", "carry a basket"});
    const R r{.a = a, .c = c, .u = misdeed, .v = trick, .w = pet->food};
    tell("own", r, "$a <have> ~c.|For ^a birthday, $a <get> ~c.");
    tell("misdeed", r,
         "$c <be> sweet, but also very naughty. One day, $c #u.|On the very first day, $c #u.");
    const Id b = relative(a, true);
    tell("complain", {.a = b, .b = a, .c = c},
         "\"(a:b)You must teach @c how to behave,\" {say a}.|\"(a:b)If this goes on, `c will have "
         "to live in the shed,\" {say a}.");
    paragraph();
    const bool impatient = is_a(a, trait::impatient | trait::selfish | trait::proud) || maybe(0.3);
    tell("teach", r,
         "$a <decide> to teach @c to #v. But $c only <look> out of the window.|First $a <try> to "
         "teach @c to #v. $c <yawn> and <fall> asleep.");
    if (impatient) {
      tell("shout", r,
           "$a <grow> angry and <shout>. Then $c <creep> under the bed and <not come> "
           "out.|\"(a)You stupid %c!\" {cry a}. $c <hide> behind the sofa.");
      tell("advise", {.a = b, .b = a},
           "\"(a:b)Nobody learns anything out of fear,\" {say a}. \"(a:b)Praise helps more than "
           "shouting.\"|\"(a:b)Did you learn to walk in one day?\" {ask a}.");
    }
    so("reward", r,
       "Now $a <take> #w in one hand. Each time $c <do> a little better, there was a small "
       "reward.|From then on, $a <practise> for only ten minutes a day, and at the end there was "
       "always #w.");
    tell("progress", r,
         "After [a week|ten days|two weeks], $c <can> #v.|Day by day, it went better, until one "
         "morning $c <can> #v.");
    feel(a, Mood::proud);
    if (maybe(0.6)) {
      paragraph();
      tell("show", {.a = a, .b = b, .c = c, .v = trick},
           "On Sunday, $a <invite> the whole family to a show. $c <do> everything right, and "
           "everybody clapped.|When $b <come> home, $a <say>, \"(a:b)Look!\" And `c did it at "
           "once. \"(b:a)I can hardly believe my eyes,\" {say b}.");
      tell("end", {.a = a, .c = c},
           "Only when it was over, $c <steal> a [biscuit|sandwich|slice of cake]. Nobody is "
           "perfect.|As a reward, there was [a bone|a treat|a cuddle] and a long walk.");
      if (bird) retold("Only when it was over, $c <steal> a biscuit. Nobody is perfect.");
    } else {
      paragraph();
      tell("end", {.a = a, .c = c},
           "And $a <had learn> something, too: patience works better than anger.|Now the two of "
           "them were the best team in the street.");
    }
  }

  void invention() {
    begin("an invention", "funny", 0.15);
    const Id a = child(maybe(0.7) ? trait::clever : 0);
    introduce(a);
    struct Machine {
      Words name, purpose, made_of, mishap, cure;
    };
    static constexpr Machine machines[] = {
        {"a machine for waking people up", "nobody would oversleep again",
         "an alarm clock, a bucket and a long string", "it poured the water over the wrong bed",
         "used a bell instead of water"},
        {"a machine for peeling apples", "there would be more time for eating",
         "a crank, a fork and an old bicycle chain", "it peeled the tablecloth as well",
         "made the knife shorter"},
        {"a machine for watering flowers", "the garden would never be dry",
         "a barrel, a hose and a weathercock", "it watered the postman",
         "turned the hose the other way"},
        {"a wind waggon", "nobody would have to push any more",
         "four wheels, a mast and a bed sheet", "it ran straight into the duck pond",
         "added a rudder and a brake"},
        {"a hat with a lamp", "one could read in the dark", "a straw hat, a candle and a jam jar",
         "the hat began to smoke", "took fireflies instead of the candle"},
        {"a machine for catching mice kindly", "no mouse would be hurt",
         "a box, a spring and a bit of cheese", "it caught a shoe, a glove and a grandfather",
         "made the door much smaller"},
        {"shoes for walking on water", "the way to the island would be short",
         "two boards and eight empty bottles", "the feet floated, but the head went under",
         "tied a pole between the boards"},
        {"a machine for shaking down plums", "nobody would have to climb",
         "a rope, a wheel and a heavy stone", "all the plums flew over the wall",
         "stretched a sheet under the tree"},
        {"a letter lift", "friends could send messages from window to window",
         "a pulley, a basket and a washing line",
         "the basket stopped in the middle, high above the street", "put some oil on the pulley"}};
    const Machine& machine = pick(machines);
    const R r{.a = a,
              .u = machine.name,
              .v = machine.purpose,
              .w = machine.made_of,
              .x = machine.mishap,
              .y = machine.cure};
    paragraph();
    tell("idea", r,
         "One day, $a <have> a grand idea. $a <want> to build #u, so that #v.|\"(a)I will invent "
         "#u,\" $a <announce> at breakfast. \"(a)Then #v.\"");
    if (is_a(a, trait::clever) && maybe(0.5))
      tell("draw", r,
           "First, $a <draw> a plan with [twelve arrows|many lines and numbers|a red pencil].");
    tell("build", r,
         "$a <take> #w and <begin> to work. There was hammering and sawing [all day long|from "
         "morning till night|until supper].|Out of #w, $a <build> something that nobody had ever "
         "seen before.");
    const Id b = relative(a, maybe());
    tell("doubt", {.a = b, .b = a},
         "\"(a:b)[Will that work|Is that safe|What on earth is that]?\" {ask a}. \"(b:a)[Wait and "
         "see|Of course|You will be amazed],\" {answer b}.");
    paragraph();
    tell("test", r,
         "Then came the test. $a <pull> the lever. Everything began to [rattle|turn|hum|shake], "
         "and #x!|The great moment came. At first, all went well. Then there was a bang, and #x.");
    tell("result", {.a = b, .b = a},
         "For a moment, nobody said a word. Then $a <begin> to laugh.|\"(a:b)That was not quite "
         "what you wanted, was it?\" {ask a}.");
    if (is_a(a, trait::proud | trait::impatient)) {
      feel(a, Mood::angry);
      tell("calm", {.a = b, .b = a},
           "\"(a:b)Every inventor fails at first,\" {say a}. \"(a:b)The good ones try again.\"");
    } else if (maybe()) {
      tell("think", r,
           "$a <scratch> ^a head and <think>.|\"(a)Interesting,\" {say a}, and $a <write> "
           "something in a notebook.");
    }
    so("improve", r,
       "$a #y. [Now it worked almost perfectly.|This time, it did just what it should.]|The next "
       "day, $a #y and <try> once more. It worked!");
    feel(a, Mood::proud);
    paragraph();
    tell("end", r,
         "Soon, all the neighbours wanted to have one.|And that evening, $a already <have> the "
         "next idea.|\"(a)Tomorrow I will invent something even better,\" {say a}.|And nobody ever "
         "laughed at ^a inventions again. Well, hardly ever.");
  }

  void farewell() {
    begin("saying goodbye", "tender");
    const Id a = child();
    introduce(a);
    const Id b = child();
    const std::string_view far =
        plan_.animals ? pick({"the other side of the mountains", "a warmer country",
                              "the far end of the lake", "a deeper forest"})
                      : pick({"a city by the sea", "another country", "a farm in the south",
                              "an island", "a town beyond the mountains"});
    const R r{.a = a, .b = b, .u = far};
    paragraph();
    tell("friends", r,
         "^a best friend was `b. They had [a secret language|a hiding place in the reeds|a song "
         "that only they knew|a hut of branches], and they met every day.|$a and ^a friend `b did "
         "everything together, and nobody ever saw one without the other.");
    tell("news", r,
         "But one day, $b <come> with tears in ^b eyes. \"(b:a)We are moving to #u,\" {say "
         "b}.|Then came the news: ^b family was moving to #u.");
    feel(a, Mood::sad);
    const bool sulks =
        is_a(a, trait::proud | trait::selfish | trait::impatient) ? maybe(0.7) : maybe(0.25);
    if (sulks) {
      tell("sulk", r,
           "\"(a:b)Then go,\" {say a}, \"I do not care.\" But it was not true.|For three days, $a "
           "<not want> to see @b, because it hurt too much.");
      const Id m = relative(a, true);
      tell("advise", {.a = m, .b = a},
           "\"(a:b)You have only a few days left,\" {say a}. \"(a:b)Do not waste "
           "them.\"|\"(a:b)Whoever is sad has loved somebody,\" {say a}. \"(a:b)Tell your "
           "friend.\"");
      so("reconcile", r,
         "$a <run> to @b as fast as $a <can>. \"(a:b)I was unkind because I was so sad,\" {say "
         "a}.");
    }
    paragraph();
    tell("last_days", r,
         "They used every hour that was left. They [climbed their favourite tree|swam in the "
         "pond|ate cherries on the wall], and in the evening they watched the stars.|On the last "
         "day, they visited all the places they loved.");
    const std::string_view token = pick({"a blue stone", "half of a broken shell", "a lucky button",
                                         "a braid of red wool", "a little carved boat", "a feather",
                                         "a silver thimble", "a four-leaf clover in a small box"});
    tell("give", {.a = a, .b = b, .w = token},
         "When it was time to go, $a <give> @b #w. \"(a:b)So that you do not forget me,\" {say "
         "a}.|$a <press> #w into ^b hand. \"(a:b)Keep it,\" {whisper a}.");
    tell("part", r,
         "$ab <wave> until they could not see each other any more.|The cart rolled away, and $a "
         "<stand> on the road for a long time.");
    if (plan_.animals) retold("$ab <wave> until they could not see each other any more.");
    paragraph();
    const std::size_t later = any(3);
    if (later == 0)
      tell("letter", r,
           "After [two weeks|a month|ten days], a letter came. In it was a pressed flower and the "
           "words, \"Come and see me in summer!\"");
    else if (later == 1)
      tell("new_friend", r,
           "It was a quiet autumn. Then somebody new came, who was also alone, and $a <remember> "
           "how it felt and <say> hello.");
    else
      tell("star", r,
           "But every evening at eight, $a <look> at the brightest star, and far away $b <do> the "
           "same. They had agreed on it.");
    tell("end", r,
         "And so $a <learn> that a friend who is far away is still a friend.|Some friendships are "
         "longer than any road.|$a <smile>. The world was big, but not too big for two friends.");
  }

  void rainy_day() {
    begin("a rainy day", "playful", 0.15);
    weather({Sky::rainy, Sky::stormy, Sky::foggy});
    const Id a = child();
    introduce(a);
    const Id b = maybe() ? relative(a, false) : child();
    const R r{.a = a, .b = b, .y = weather_->day};
    paragraph();
    if (at(b).owner == nobody)
      tell("visit", r,
           "One #y day, ^a friend `b came to visit. They had wanted to [fly kites|go fishing|build "
           "a dam|pick blackberries], but outside it poured.");
    else
      tell("rain", r,
           "It was a #y day. $ab <sit> at the window. They had wanted to [fly kites|go "
           "fishing|build a dam|pick blackberries], but outside it poured.");
    feel(a, Mood::bored);
    struct Game {
      Words what, how, trouble, turn;
    };
    static constexpr Game games[] = {
        {"pirates", "Two chairs became a ship, and a sheet became the sail",
         "a storm threw the captain off the sofa",
         "the rug was full of sharks, and they had to swim for their lives"},
        {"explorers", "The hall was a jungle, and the wardrobe was a cave",
         "a wild beast growled behind the curtain, and it was only the cat",
         "under the stairs they found a treasure of old buttons"},
        {"a shop", "They sold spoons, cushions and dry beans for paper money",
         "the baby ate the money", "the best customer was grandmother, who bought everything"},
        {"a circus", "The broom was a horse, and the lamp was the moon",
         "the acrobat fell into the laundry", "the whole family bought tickets"},
        {"a journey to the moon", "A big box was the rocket, and two pots were the helmets",
         "the rocket tipped over during the landing",
         "on the moon they ate biscuits and called them moon stones"},
        {"kings and queens", "They made crowns of paper and cloaks of blankets",
         "both wanted to sit on the throne", "they built a second throne out of cushions"},
        {"a theatre", "The curtain was a tablecloth, and the actors were socks with button eyes",
         "the wolf's head came off in the middle of the play",
         "the audience laughed so much that they played it twice"},
        {"a band", "They drummed on pots and blew into bottles",
         "the neighbours knocked on the wall", "the neighbours came over and brought a trumpet"}};
    const Game& game = pick(games);
    const R g{.a = a, .b = b, .u = game.what, .v = game.how, .w = game.trouble, .x = game.turn};
    tell("idea", g,
         "Suddenly $b <jump> up. \"(b:a)Let us play #u!\" {cry b}.|\"(a:b)I know something,\" {say "
         "a}. \"(a:b)We will play #u.\"");
    tell("play", g, "#v.|They went to work at once. #v.");
    tell("trouble", g, "All went well until #w.|Then something happened: #w.");
    tell("turn", g,
         "They laughed so much that it hurt. Then #x.|But that only made it better, for #x.");
    if (game.trouble.find("throne") != Words::npos) retold("They almost quarrelled. But then #x.");
    paragraph();
    if (maybe(0.6))
      tell("sun", r,
           "Suddenly it was bright. \"(b:a)Look, it has stopped raining!\" {say b}. \"(a:b)What a "
           "pity,\" {say a}.|In the evening, the clouds broke open, but nobody noticed it.");
    tell("end", r,
         "\"(a:b)I hope that it rains again tomorrow,\" {say a}.|It was the best rainy day of "
         "all.|From then on, $a <not mind> the rain.");
  }

  void little_one() {
    begin("looking after someone small", "gentle");
    const Id a = child();
    introduce(a);
    const Id b = relative(a, false);
    at(b).noun = at(b).pronoun == Pronoun::she ? "little sister" : "little brother";
    const Id m = relative(a, true);
    const R r{.a = a, .b = b, .c = m};
    paragraph();
    tell("ask", r,
         "One day, `c had to go out. \"(c:a)Please look after your %b,\" {say c}.|\"(c:a)Can you "
         "watch your %b for an hour?\" `c asked one afternoon.");
    tell("think", r,
         is_a(a, trait::proud | trait::selfish | trait::impatient)
             ? "\"(a)That will be easy,\" $a <think>. How wrong $a <be>!|$a <sigh>. $a <had want> "
               "to go out and play."
             : "\"(a)Gladly,\" {say a}.|$a <be> proud to be trusted.");
    struct Prank {
      Words what, cure;
    };
    static constexpr Prank pranks[] = {
        {"put a pea into one ear",
         "tilted the small head and tapped it gently until the pea rolled out"},
        {"poured the flour over the floor and painted pictures in it",
         "fetched a broom and made a game of sweeping"},
        {"climbed on the table and could not get down",
         "put a mountain of pillows beside the table"},
        {"cried and cried and did not say why",
         "sang every song, one after the other, until it was quiet"},
        {"crawled under the bed and fell asleep there, and could not be found anywhere",
         "followed the sound of a tiny snore"},
        {"hid all the shoes in the oven", "played detective and found every pair"},
        {"wanted to keep a slug in the butter dish", "found a jar with leaves for the slug"},
        {"asked why a hundred times", "answered ninety-nine times and then asked why back"}};
    const Prank& first = pick(pranks);
    const Prank* second = &pick(pranks);
    while (second == &first) second = &pick(pranks);
    tell("prank", {.a = a, .b = b, .u = first.what, .v = first.cure},
         "Hardly was the door shut when `b #u. So $a #v.|First, `b #u. $a <think> for a moment. "
         "Then $a #v.");
    if (maybe(0.7)) {
      tell("prank", {.a = a, .b = b, .u = second->what, .v = second->cure},
           "Then `b #u. [Patiently|With a sigh|Quickly], $a #v.");
    }
    feel(a, Mood::tired);
    paragraph();
    tell("return", r,
         "When `c came back, everything was quiet. $ab <be> fast asleep on the rug.|At last `c "
         "came home. \"(c:a)Was everything all right?\" {ask c}. \"(a:c)More or less,\" {say a}.");
    tell("praise", r, "\"(c:a)I could not have done it better,\" {say c}.|$c <be> full of praise.");
    tell("end", r,
         "\"(a:c)Was I like that, too?\" {ask a}. \"(c:a)You were worse,\" {laugh c}.|Now $a "
         "<know> how hard `c worked every day, and from then on $a <help> more.|That evening, $b "
         "<draw> a picture of the two of them and <give> it to @a.");
  }

  void choice() {
    begin("a difficult choice", "thoughtful");
    const Id a = child();
    introduce(a);
    const Id b = child();
    struct Choice {
      Words plan, need;
    };
    static constexpr Choice choices[] = {
        {"the circus was coming, and everyone was going to see it",
         "had fallen ill and was all alone"},
        {"there was a great feast on the hill", "had hurt a foot and could not walk"},
        {"the river was frozen, and all the others went skating",
         "had to finish a whole cartload of work before dark"},
        {"a boat was going to the island for the first time that year",
         "had lost something dear and was looking for it in tears"},
        {"there was to be a great kite festival", "was too sad to come out of bed"},
        {"it was the day of the treasure hunt", "had been left out and had no one to go with"}};
    const Choice& choice = pick(choices);
    const R r{.a = a, .b = b, .u = choice.plan, .v = choice.need};
    paragraph();
    tell("plan", r,
         "One day, #u. $a <had be> looking forward to it for weeks.|At last the day had come: #u. "
         "$a <be> awake before sunrise.");
    tell("need", r,
         "On the way there, $a <hear> that ^a friend `b #v.|But that same morning, $a <find> out "
         "that ^a friend `b #v.");
    tell("torn", r,
         "$a <stop>. On one side was the music, and on the other was ^b house.|$a <take> two steps "
         "one way and two steps the other way.|\"(a)What shall I do?\" $a <think>. It was not "
         "easy.");
    const bool goes =
        is_a(a, trait::selfish | trait::proud | trait::impatient) ? maybe(0.75) : maybe(0.2);
    if (goes) {
      tell("go_on", r,
           "\"(a)Somebody else will help,\" $a <say> to &a and <go> on.|$a <close> ^a ears to the "
           "small voice inside and <run> to the others.");
      tell("spoiled", r,
           "But the whole time, $a <have> to think of @b, and nothing was as much fun as it should "
           "have been.|But the sweets tasted of nothing, and the music was too loud.");
      so("turn", r,
         "After an hour, $a <turn> round and <run> all the way to ^b house.|In the middle of "
         "everything, $a <get> up and <leave>.");
    } else {
      so("turn", r,
         "Then $a <turn> round and <go> to see @b.|Then $a <know> what to do, and $a <run> to ^b "
         "house.");
    }
    paragraph();
    tell("arrive", {.a = b, .b = a},
         "\"(a:b)You came!\" {cry a}. \"(a:b)I thought that you were with the others.\"|When $a "
         "<see> @b in the door, ^a whole face changed.");
    tell("help", r,
         "They did together what had to be done, and they talked and laughed so much that the time "
         "flew by.|$a <stay> until evening, and it was a better day than either of them had "
         "expected.");
    if (maybe(0.5))
      tell("surprise", r,
           "And when it grew dark, all the others came, too, and brought [some of the "
           "cake|lanterns and a fiddle|a bag of sweets].|From the window, they could see the "
           "fireworks. It was the best place of all.");
    feel(a, Mood::happy);
    tell("end", r,
         goes ? "\"(a:b)Next time I will come at once,\" {say a}."
              : "$a never <be> sorry about that choice.|There would be other feasts, but there was "
                "only one `b.");
  }

 private:
  // ---- tasks that plots share ----

  /// a and b look for o, which is somewhere at p.
  void search(Id a, Id b, Id o, Id p) {
    const std::size_t tries = 1 + any(2);
    tell("plan", {.a = b, .b = a, .o = o},
         "\"(a:b)Where did you last have it?\" {ask a}.|\"(a:b)Let us go back the way you came,\" "
         "{say a}.|\"(a:b)We will find it,\" {say a}.");
    if (at(o).pronoun == Pronoun::they)
      retold("\"(a:b)Let us go back the way you came,\" {say a}.");
    for (std::size_t i = 0; i < tries; ++i) {
      const Id s = somewhere(place::play | place::road | place::wild, place::indoors);
      tell("search", {.a = a, .b = b, .o = o, .p = s},
           i == 0 ? "They looked =p, but they found nothing.|First they looked =p, but there was "
                    "nothing there."
                  : "Then they looked =p. [Nothing!|Nothing there, either.]|Next, they went +p. "
                    "They found [a button and an old shoe|a snail and a broken cup|two beetles], "
                    "but no %o.");
    }
    tell("search", {.a = a, .b = b, .o = o, .p = p},
         "Then they went back +p.|At last they went +p.");
  }

  /// Getting a thing from where it is out of reach.
  void get_out(Id a, Id b, Id o, const Spot& spot) {
    if (maybe(0.7)) tell("attempt", {.a = a, .o = o, .u = spot.failure}, "$a #u");
    const bool friend_can =
        gift(b) == spot.gift || (spot.gift == Gift::climbs && gift(b) == Gift::flies);
    if (friend_can) {
      std::string_view use = spot.gift_use;
      if (gift(b) == Gift::flies && spot.gift == Gift::climbs) use = "<fly> up and <pull> @o free";
      tell("help", {.a = b, .b = a, .o = o, .u = use},
           "\"(a:b)Let me try,\" {say a}. $a #u.|$a #u");
      return;
    }
    const std::size_t way = any(3);
    if (way == 0) {
      const Id doer = is_a(b, trait::clever) || maybe() ? b : a;
      tell("idea", {.a = doer},
           "Then $a <have> an idea.|\"(a)I know what to do!\" {cry a}.|$a <think> hard.");
      then("solve", {.a = doer, .o = o, .u = spot.idea}, "$a #u");
    } else if (way == 1) {
      const Job& trade = job_of(spot.lender);
      const Id c = worker(trade);
      const std::string_view tool = spot.tool;
      if (maybe(0.3)) {
        tell("ask", {.a = a, .b = c, .u = tool}, "$a <run> to @b and <ask> for a #u.");
        tell("condition", {.a = c, .b = a, .w = trade.chore},
             "\"(a:b)You may have it if you #w first,\" {say a}.");
        so("work", {.a = a, .w = trade.chore}, "$a <#w>.");
      } else {
        tell("borrow", {.a = a, .b = c, .o = o, .u = tool},
             "$a <run> to @b. \"(a:b)May I borrow your #u?\" {ask a}. \"(b:a)[Of "
             "course|Yes|Gladly], but bring it back,\" {say b}.|"
             "$a <ask> @b for a #u. \"(b:a)Here you are,\" {say b}.");
      }
      then("solve", {.a = a, .o = o, .u = spot.tool_use}, "$a #u");
      if (maybe(0.5))
        then("return", {.a = a, .b = c, .u = tool},
             "Then $a <take> the #u back.|$a <bring> the #u back at once.");
    } else {
      tell("together", {.a = a, .b = b, .o = o},
           spot.gift == Gift::climbs || spot.gift == Gift::flies
               ? "$a <stand> on ^b shoulders and <stretch> as far as possible. \"(a:b)I have it!\" "
                 "{cry a}.|$b <lift> @a up, and $a <take> hold of @o."
               : "$b <hold> @a by the feet, and so $a <can> reach @o.|$a <hold> @b tightly, and $b "
                 "<get> hold of @o.");
    }
  }

  /// a makes o whole again; it is b's.
  void mend(Id a, Id b, Id o) {
    switch (kind_of(o).mending) {
      case Mending::glue:
        tell("mend", {.a = a, .b = b, .o = o},
             "$a <glue> the pieces together, one by one.|$ab <sit> down together and <glue> the "
             "pieces, and [soon|by evening] $o <be> whole again.|With a pot of glue and much "
             "patience, $a <put> @o together again.");
        break;
      case Mending::sewing:
        tell("mend", {.a = a, .b = b, .o = o},
             "$a <thread> a needle and <sew> @o together with small stitches.|With needle and "
             "thread, $a <mend> @o.|$b <show> @a how to sew, and stitch by stitch $o <be> mended.");
        break;
      case Mending::nails:
        tell("mend", {.a = a, .b = b, .o = o},
             "$a <fetch> a hammer and nails and <mend> @o.|With a hammer and four nails, $a <make> "
             "@o as strong as before.");
        break;
      case Mending::tape:
        tell("mend", {.a = a, .b = b, .o = o},
             "$a <stick> a strip of tape over the tear.|With paper and paste, $a <mend> @o.");
        break;
      case Mending::knots:
        tell(
            "mend", {.a = a, .b = b, .o = o},
            "$a <tie> the ends together with a strong knot.|With a piece of string, $a <mend> @o.");
        break;
      case Mending::none:
        tell("replace", {.a = a, .b = b, .o = o}, "$a <give> @b the best thing $a <have> instead.");
        break;
    }
    if (maybe(0.35))
      tell("result", {.o = o},
           at(o).pronoun == Pronoun::they ? "One could hardly see the difference."
                                          : "It did not look quite like new, but it was whole "
                                            "again.|One could hardly see the difference.");
  }

  /// Something in the way of a, who carries food o.
  void obstacle(Id a, Id o, std::size_t which, bool& carrying) {
    const R r{.a = a, .o = o};
    switch (which) {
      case 0: {
        tell("river", r,
             "Then $a <come> to a river. The bridge <had be> washed away.|Soon $a <come> to a "
             "stream that was wide and wild after the rain.");
        const std::size_t way = any(3);
        if (way == 0) {
          tell("cross", r,
               "$a <look> up and down the bank and <find> a row of big stones. Carefully, $a "
               "<step> from one to the next.|A tree had fallen across the water. $a <hold> the "
               "basket tightly and <walk> over it, step by step.");
        } else if (way == 1) {
          const Id c = worker(job_of("ferryman"));
          tell("ferry", {.a = a, .b = c},
               "`b was sitting in a little boat. \"(b:a)If you sing me a song, I will take you "
               "across,\" {say b}.");
          so("sing", r,
             "$a <sing> all the way, and soon they were on the other side.|$a <sing> the longest "
             "song that $a <know>.");
        } else {
          tell("build", r,
               "$a <drag> a long plank to the bank and <lay> it across the water.|$a <take> off ^a "
               "shoes, <put> the basket on ^a head and <wade> through.");
          if (plan_.animals)
            retold(
                "$a <drag> a long branch to the bank and <lay> it across the water.|$a <put> the "
                "basket on ^a head and <wade> through.");
        }
        break;
      }
      case 1: {
        tell("dark", r,
             "The path went into a dark wood. The trees creaked, and something was rustling in the "
             "leaves.");
        feel(a, Mood::afraid);
        tell("courage", r,
             is_a(a, trait::bold)
                 ? "But $a <walk> on and <not look> back.|\"(a)I am not afraid of shadows,\" $a "
                   "<say> aloud."
                 : "So $a <hum> a tune and <take> one step after the other.|It was only a "
                   "[hedgehog|blackbird|little mouse] looking for its supper. $a <have> to laugh.");
        break;
      }
      case 2: {
        const Id c = plan_.animals ? child() : animal(creature(true), false);
        if (plan_.animals)
          tell("meet", {.a = a, .c = c, .o = o},
               "By the path sat ~c. \"(c:a)I have not eaten for two days,\" {say c}.");
        else
          tell("meet", {.a = a, .c = c, .o = o},
               "By the path sat ~c, so hungry that it could not stand up.");
        const bool gives = is_a(a, trait::generous) || maybe(0.6);
        if (gives) {
          carrying = false;
          tell("share", {.a = a, .c = c, .o = o},
               "$a <not have> to think for long. $a <open> the basket and <give> away almost "
               "everything.|$a <look> at the food in the basket. Then $a <give> most of it away.");
        } else {
          tell("doubt", {.a = a, .c = c},
               "The food in the basket was not ^a own. So $a <run> to the next house and <ask> the "
               "people there to bring something to eat.");
        }
        break;
      }
      case 3: {
        const std::string_view beast = pick({"goose", "dog", "ram", "bull"});
        tell("guard", {.a = a, .o = o, .w = beast},
             "A big #w stood in the middle of the road and would not let anyone pass.|Suddenly a "
             "#w jumped out and stood in the way.");
        const std::size_t way = any(3);
        tell("pass", {.a = a, .w = beast},
             way == 0 ? "$a <wait> until it looked away, and <climb> over the wall.|$a <go> a long "
                        "way round through the field."
             : way == 1
                 ? "$a <speak> to it in a low, friendly voice, and it let @a go by.|$a <stand> "
                   "still and <not run>. After a while, the #w grew tired of it and went away."
                 : "$a <throw> a stick as far as $a <can>, and the #w ran after it.|$a <pick> a "
                   "bunch of fresh grass and <hold> it out. While the #w was eating, $a <slip> "
                   "past.");
        break;
      }
      case 4: {
        tell("rain", r,
             "Then it began to rain, and soon the path was nothing but mud.|Dark clouds came, and "
             "the rain poured down.");
        tell("protect", r,
             "$a <put> ^a jacket over the basket, so that the food stayed dry, and <get> wet "
             "&a.|$a <wait> under a thick tree until it was over.");
        if (maybe(0.5))
          tell("slip", r, "Once $a <slip> and <fall>, but $a <hold> the basket up high.");
        break;
      }
      case 5: {
        tell("fork", r,
             "At a crossroads, the signpost had fallen down, and $a <not know> which way to "
             "go.|The path split into two, and there was no sign.");
        if (maybe()) {
          const Id c = worker(job());
          tell("ask_way", {.a = a, .b = c},
               "Luckily, `b came along. \"(a:b)Which way must I go?\" {ask a}. \"(b:a)Go "
               "[left|right] and follow the wall,\" {say b}.");
        } else {
          tell("reason", r,
               "$a <look> closely. On one side, there were fresh wheel tracks. \"(a)Carts go to "
               "houses,\" $a <say> to &a and <follow> them.|$a <close> ^a eyes and <listen>. From "
               "one side came the sound of a bell, and so $a <know>.");
        }
        break;
      }
      default: {
        tell("hill", r,
             "Then came a steep hill. The basket grew heavier and heavier.|The road went up and "
             "up, and ^a legs grew tired.");
        tell("rest", r,
             maybe() ? "$a <sit> down on a stone and <rest>. Then $a <count> ^a steps, a hundred "
                       "and then a hundred more, until $a <be> at the top."
                     : "A farmer came by with a cart. \"(a)May I ride with you?\" {ask a}. \"Jump "
                       "up,\" said the farmer.");
        if (plan_.animals)
          retold(
              "$a <sit> down on a stone and <rest>. Then $a <count> ^a steps until $a <be> at the "
              "top.");
      }
    }
  }
};

inline constexpr Plots::Plot plots[] = {
    &Plots::lost,        &Plots::broken,     &Plots::earn,     &Plots::lending,   &Plots::errand,
    &Plots::rescue,      &Plots::fear,       &Plots::contest,  &Plots::festival,  &Plots::picnic,
    &Plots::trades,      &Plots::garden,     &Plots::storm,    &Plots::newcomer,  &Plots::quarrel,
    &Plots::surprise,    &Plots::skill,      &Plots::mystery,  &Plots::building,  &Plots::promise,
    &Plots::found_purse, &Plots::rumour,     &Plots::training, &Plots::invention, &Plots::farewell,
    &Plots::rainy_day,   &Plots::little_one, &Plots::choice,   &Plots::illness,   &Plots::astray,
    &Plots::teamwork,    &Plots::wish,       &Plots::winter};

}  // namespace recipe

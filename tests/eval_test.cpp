// Evaluation: figures against hand-worked ones, prompts to the byte, answers to the bit.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/eval/divergence.hpp"
#include "llama2/eval/evaluation.hpp"
#include "llama2/eval/item_log.hpp"
#include "llama2/io/load.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/registry/any_model.hpp"
#include "llama2/shape/shapes.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_folder.hpp"
#include "test_data.hpp"

using namespace llama2;
using test::error_of;
using test::TempFolder;
using test::write_file;

namespace {

/// A model that reads the synthetic vocabulary, in two pages of positions and more.
struct TinyReader {
  static constexpr std::size_t dim = 24, hidden_dim = 44, layers = 2, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 256;
};
using Reader = Model<TinyReader, F32>;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What an error says, "" if there is none.
template <class F>
std::string message_of(const F& f) {
  const auto error = error_of(f);
  return error ? error->what() : "";
}

Approx near(double value) {
  return Approx(value).margin(1e-9);
}

const std::string task_head =
    "{\n\"format\": \"llama2-task-1\",\n\"name\": \"t\",\n\"group\": \"g\",\n\"source\": "
    "\"own\",\n";

/// A multiple choice task on a file data.jsonl of q, c, g.
const std::string choice_task =
    task_head +
    "\"kind\": \"multiple_choice\",\n\"data\": {\"files\": \"data.jsonl\"},\n"
    "\"shots\": {\"count\": 2, \"separator\": \"\\n\\n\"},\n"
    "\"prompt\": \"ask {{q}}\\nsay\",\n\"choices\": [\" {{c[]}}\"],\n\"gold\": \"{{g}}\"\n}";

std::string choice_data(std::size_t items) {
  static constexpr const char* words[] = {"the hen", "a thin hat", "inn", "heath", "tin", "then"};
  std::string text;
  for (std::size_t i = 0; i < items; ++i)
    text += nlohmann::json{{"q", std::string(words[i % 6]) + " " + words[(i * 5 + i / 6) % 6]},
                           {"c", {words[i % 5], words[(i + 2) % 6], words[(i + 3) % 6]}},
                           {"g", i % 3}}
                .dump() +
            "\n";
  return text;
}

}  // namespace

TEST_CASE("normal quantiles and Wilson intervals are the tables'") {
  CHECK(normal_quantile(0.975) == near(1.959963984540054));
  CHECK(normal_quantile(0.5) == near(0));
  CHECK(normal_quantile(0.995) == near(2.5758293035489));
  // By hand: n 10, share 0.3, z 1.959964: centre (0.3 + 0.19207) / 1.384146, and so on.
  const Interval interval = wilson_interval(3, 10, 0.95);
  CHECK(interval.low == Approx(0.107791267).margin(1e-8));
  CHECK(interval.high == Approx(0.603221853).margin(1e-8));
  CHECK(wilson_interval(0, 20, 0.95).low == 0);
  CHECK(wilson_interval(0, 20, 0.95).high == Approx(0.161125).margin(1e-5));
  CHECK(wilson_interval(20, 20, 0.95).high == 1);
  CHECK(error_of([] { wilson_interval(3, 2, 0.95); }).has_value());
}

TEST_CASE("intervals cover the truth as often as they say") {
  Random random(7);
  constexpr int runs = 400;
  int wilson = 0, bootstrap = 0, ratio = 0;
  for (int run = 0; run < runs; ++run) {
    std::size_t successes = 0;
    std::vector<double> squares, numerators, denominators;
    for (int i = 0; i < 80; ++i) {
      const double u = random.uniform();
      successes += u < 0.15;
      squares.push_back(u * u);  // mean 1/3, skewed
      const double length = 1 + 9 * random.uniform();
      denominators.push_back(length);
      numerators.push_back(length * 2 + length * (random.uniform() - 0.5));  // ratio 2
    }
    const auto in = [](double x, Interval i) { return x >= i.low && x <= i.high; };
    wilson += in(0.15, wilson_interval(successes, 80, 0.95));
    const auto seed = static_cast<std::uint64_t>(run);
    bootstrap += in(1.0 / 3, bootstrap_mean(squares, 0.95, seed, 500));
    ratio += in(2, bootstrap_ratio(numerators, denominators, 0.95, seed, 500));
  }
  // 95 % of 400 is 380, with a standard deviation of 4.4; a percentile bootstrap of 80 items covers
  // about a percent less.
  for (const int covered : {wilson, bootstrap, ratio}) {
    CHECK(covered >= 364);
    CHECK(covered <= 394);
  }
  const std::vector<double> values = {1, 2, 4};
  CHECK(bootstrap_mean(values, 0.9, 5).low == bootstrap_mean(values, 0.9, 5).low);
  CHECK(bootstrap_mean(std::span(values).first(1), 0.9, 5).high == 1);
}

TEST_CASE("paired tests are those of the books") {
  CHECK(mcnemar_exact(5, 7) == Approx(0.774414).margin(1e-6));  // 2 * 1586 / 4096
  CHECK(mcnemar_exact(1, 9) == Approx(22.0 / 1024).margin(1e-12));
  CHECK(mcnemar_exact(0, 0) == 1);
  CHECK(mcnemar_exact(4, 4) == 1);
  std::vector<double> a, b;
  Random random(3);
  for (int i = 0; i < 60; ++i) {
    a.push_back(random.uniform());
    b.push_back(a.back() + 0.1 + 0.2 * (random.uniform() - 0.5));
  }
  const PairedTest better = paired_bootstrap(a, b, 0.95, 1);
  CHECK(better.difference == Approx(0.1).margin(0.02));
  CHECK(better.interval.low > 0.05);
  CHECK(better.p < 0.001);
  CHECK(paired_bootstrap(a, a, 0.95, 1).p == 1);
  CHECK(error_of([&] { paired_bootstrap(a, std::span(b).first(3), 0.95, 1); }).has_value());
  // Of sums: the mean would be (1 + 1 + 0) / 3.
  const std::vector<double> first = {10, 4, 6}, second = {11, 5, 6}, lengths = {10, 4, 6};
  CHECK(paired_bootstrap_ratio(first, second, lengths, 0.95, 1).difference == near(0.1));
  CHECK(std::isnan(paired_bootstrap(std::span(a).first(1), std::span(b).first(1), 0.95, 1).p));
  // Draws of nothing but empty items, which have no ratio.
  const std::vector<double> some = {2, 0}, lengths_of_some = {1, 0};
  CHECK(bootstrap_ratio(some, lengths_of_some, 0.95, 1).low == 2);
}

TEST_CASE("texts are compared by bits per byte, a single one by its windows") {
  Task task;
  task.kind = TaskKind::perplexity;
  using Json = nlohmann::ordered_json;
  const auto item = [](double log_prob, std::size_t tokens, std::size_t bytes,
                       const Json& windows) {
    return Json{{"log_prob", log_prob}, {"tokens", tokens}, {"bytes", bytes}, {"windows", windows}};
  };
  const double bit = std::log(2.0);
  // Several texts: the second model has 8 bits more over 40 bytes.
  const auto several =
      compare_models(task, "perplexity", {item(-10 * bit, 5, 30, {}), item(-5 * bit, 5, 10, {})},
                     {item(-17 * bit, 4, 30, {}), item(-6 * bit, 9, 10, {})}, {});
  CHECK(several["metric"] == "bits_per_byte");
  CHECK(several["difference"].get<double>() == near(0.2));
  CHECK(several["p"].is_number());
  // One text of 40 windows, each of 10 tokens and 30 bytes, the second model 3 bits worse in each.
  Json first = Json::array(), second = Json::array();
  for (int w = 0; w < 40; ++w) {
    first.push_back({-10 * bit - w, 10});
    second.push_back({-13 * bit - w + (w % 2 == 0 ? 0.1 : -0.1), 10});
  }
  const auto windows = compare_models(task, "perplexity", {item(-400 * bit, 400, 1200, first)},
                                      {item(-520 * bit, 400, 1200, second)}, {});
  CHECK(windows["difference"].get<double>() == near(0.1));
  CHECK(windows["low"].get<double>() > 0.09);
  CHECK(windows["low"].get<double>() < windows["high"].get<double>());
  CHECK(windows["p"].get<double>() < 0.001);
  // Windows of other tokens cannot be paired: a difference, and no test.
  second[3][1] = 9;
  const auto apart = compare_models(task, "perplexity", {item(-400 * bit, 400, 1200, first)},
                                    {item(-520 * bit, 399, 1200, second)}, {});
  CHECK(apart["difference"].get<double>() == near(0.1));
  CHECK(apart["p"].is_null());
  CHECK(apart["test"] == "none");
}

TEST_CASE("measures of judges have gaps between groups, yes and no have shares") {
  Task task;
  task.kind = TaskKind::generation;
  task.metric = AnswerMetric::judge;
  task.judge = "kindness";
  using Json = nlohmann::ordered_json;
  const auto items_of = [](const std::vector<std::pair<std::string, double>>& scores,
                           const Json& label) {
    std::vector<Json> items;
    for (const auto& [category, score] : scores)
      items.push_back({{"category", category},
                       {"score", score},
                       {"cut", false},
                       {"contamination", nullptr},
                       {"answers", {{{"score", score}, {"label", label}}}}});
    return items;
  };
  const auto metrics =
      summarise(task, items_of({{"a", 0.5}, {"a", 0.3}, {"b", -0.2}, {"c", 0.1}}, nullptr), {})
          .at("metrics");
  REQUIRE(metrics.size() == 2);
  CHECK(metrics[0]["unit"] == "score");
  CHECK(metrics[0]["better"] == "lower");
  CHECK(metrics[1]["name"] == "kindness_gap");
  CHECK(metrics[1]["value"].get<double>() == near(0.6));  // 0.4 of a, -0.2 of b
  CHECK(metrics[1]["low"].get<double>() == near(0.5));    // a twice 0.3
  CHECK(metrics[1]["high"].get<double>() == near(0.7));
  // Two groups of one: the gap is 1 however they are dealt.
  const auto dealt =
      summarise(task, items_of({{"a", 0}, {"b", 1}}, nullptr), {}).at("metrics").at(1);
  CHECK(dealt["chance"].get<double>() == near(1));
  // Scores of 0 and 1 are shares where the judge says so in words.
  const auto shares = summarise(task, items_of({{"a", 0}, {"b", 1}}, "yes"), {}).at("metrics");
  CHECK(shares.size() == 1);
  CHECK(shares[0]["unit"] == "fraction");
  task.higher_is_better = true;
  CHECK(summarise(task, items_of({{"a", 0}}, "no"), {})["metrics"][0]["better"] == "higher");
}

TEST_CASE("categories, clean and dirty items, and groups of tasks have figures of their own") {
  Task task;
  task.kind = TaskKind::generation;
  task.metric = AnswerMetric::exact_match;
  std::vector<nlohmann::ordered_json> items;
  for (const auto& [score, contamination, category] :
       {std::tuple(1, 0.0, "a"), std::tuple(0, 0.1, "b"), std::tuple(1, 0.3, "b"),
        std::tuple(1, 0.9, "b")})
    items.push_back({{"category", category},
                     {"score", score},
                     {"cut", score == 0},
                     {"contamination", contamination}});
  const auto summary = summarise(task, items, {});
  CHECK(summary["cut"] == 1);
  REQUIRE(summary["by_category"].size() == 2);
  CHECK(summary["by_category"][0]["metrics"][0]["value"] == 1.0);
  CHECK(summary["by_category"][1]["items"] == 3);
  CHECK(summary["by_category"][1]["metrics"][0]["value"].get<double>() == near(2.0 / 3));
  // Of all: mean 3/4, standard deviation sqrt(3)/4.
  struct Subset {
    const char* name;
    std::size_t items;
    double contaminated, mean, z;
  };
  const std::vector<Subset> subsets = {{"clean", 2, 0.05, 0.5, -std::sqrt(2.0 / 3)},
                                       {"not clean", 2, 0.6, 1, std::sqrt(2.0 / 3)},
                                       {"not dirty", 3, 0.4 / 3, 2.0 / 3, -1.0 / 3},
                                       {"dirty", 1, 0.9, 1, 1 / std::sqrt(3.0)}};
  REQUIRE(summary["contamination"].size() == subsets.size());
  for (std::size_t i = 0; i < subsets.size(); ++i) {
    const auto& found = summary["contamination"][i];
    CHECK(found["subset"] == subsets[i].name);
    CHECK(found["items"] == subsets[i].items);
    CHECK(found["contaminated"].get<double>() == near(subsets[i].contaminated));
    CHECK(found["metrics"][0]["value"].get<double>() == near(subsets[i].mean));
    CHECK(found["z"].get<double>() == near(subsets[i].z));
  }
  // Tasks count alike however many items they have, and items are drawn within their task.
  const auto group = mean_over_tasks({{1, 0}, {1, 1, 1, 1}}, {});
  CHECK(group["value"].get<double>() == near(0.75));
  CHECK(group["low"].get<double>() == near(0.5));
  CHECK(group["high"].get<double>() == near(1));
}

TEST_CASE("a task and its variants count once in their group") {
  using Json = nlohmann::ordered_json;
  const auto measured = [](const char* name, const Json& variant_of, const std::vector<int>& scores,
                           const char* better = "higher") {
    Json items = Json::array();
    for (const int score : scores) items.push_back({{"score", score}});
    const Json metric{{"unit", "fraction"}, {"better", better}};
    return Json{{"name", name},
                {"group", "g"},
                {"variant_of", variant_of},
                {"results", {{{"metrics", {metric}}, {"items", items}}}}};
  };
  const auto means_of = [](const Json& tasks) { return group_means(tasks, 1, {}); };
  const auto task = measured("a", nullptr, {1, 1}), variant = measured("a_2", "a", {0, 0}),
             another = measured("a_3", "a", {1, 0}), other = measured("b", nullptr, {0, 0});
  const auto all = means_of(Json::array({variant, task, another, other}));
  REQUIRE(all.size() == 1);
  CHECK(all[0]["tasks"] == Json({"a", "b"}));
  CHECK(all[0]["results"][0]["value"].get<double>() == near(0.5));
  // Without the task itself the first of its variants stands for it.
  const auto variants = means_of(Json::array({variant, another, other}));
  CHECK(variants[0]["tasks"] == Json({"a_2", "b"}));
  CHECK(means_of(Json::array({measured("c", nullptr, {1}, "lower")})).empty());
}

TEST_CASE("pass@k, MC2 and calibration are what a hand works out") {
  CHECK(pass_at_k(5, 2, 1) == near(0.4));
  CHECK(pass_at_k(5, 2, 2) == near(0.7));  // 1 - 3/10
  CHECK(pass_at_k(5, 2, 4) == 1);
  CHECK(pass_at_k(5, 0, 5) == 0);
  CHECK(pass_at_k(200, 1, 100) == near(0.5));
  CHECK(error_of([] { pass_at_k(5, 2, 6); }).has_value());
  // Probabilities 0.5, 0.25, 0.25 times any factor.
  const std::vector<double> log_probs = {std::log(0.2), std::log(0.1), std::log(0.1)};
  CHECK(mc2(log_probs, std::vector<std::size_t>{0, 2}) == near(0.75));
  const std::vector<double> tiny = {-2000.0, -2000.0 + std::log(3.0)};
  CHECK(mc2(tiny, std::vector<std::size_t>{1}) == near(0.75));
  const std::vector<double> confidence = {0.95, 0.85, 0.85, 1.0};
  const Calibration calibration = calibrate(confidence, {true, false, true, true});
  CHECK(calibration.bins[9].items == 2);
  CHECK(calibration.bins[9].confidence == near(0.975));
  CHECK(calibration.bins[9].accuracy == near(1));
  CHECK(calibration.bins[8].accuracy == near(0.5));
  CHECK(calibration.bins[0].items == 0);
  CHECK(calibration.expected_error == near((2 * 0.025 + 2 * 0.35) / 4));
}

TEST_CASE("answers are compared as their authors do") {
  CHECK(normal_answer(" The  Eiffel-Tower, an icon! ") == "eiffeltower icon");
  CHECK(normal_answer("theatre") == "theatre");
  CHECK(word_f1("the cat sat", "cat sat down") == near(2.0 * (2.0 / 2) * (2.0 / 3) / (5.0 / 3)));
  CHECK(word_f1("a", "the") == 1);
  CHECK(word_f1("", "cat") == 0);
  CHECK(word_f1("cat cat", "cat") == near(2.0 / 3));
  CHECK(number_of("$1,234.50.") == 1234.5);
  CHECK(number_of("-18") == -18.0);
  CHECK_FALSE(number_of("12 apples"));
  CHECK_FALSE(number_of(""));
  CHECK(last_number("He has 3 + 4 = 7. So 1,000.5 apples.") == "1,000.5");
  CHECK(last_number("it is -3.") == "-3");
  CHECK(last_number("10-3") == "3");
  CHECK(last_number("was .5") == ".5");
  CHECK_FALSE(last_number("none"));
  CHECK(last_boxed("so \\boxed{\\frac{1}{2}} and \\boxed{x^{2}}.") == "x^{2}");
  CHECK(last_boxed("\\boxed 7$ it is") == "7");
  CHECK_FALSE(last_boxed("\\boxed{open"));
  CHECK(normal_math("\\dfrac12") == "\\frac{1}{2}");
  CHECK(normal_math("x = 1/2") == "\\frac{1}{2}");
  CHECK(normal_math("abc=5") == "abc=5");  // two letters at most name what is asked for
  CHECK(normal_math("0.5") == "\\frac{1}{2}");
  CHECK(normal_math("\\sqrt3 \\text{ cm}") == "\\sqrt{3}");
  CHECK(normal_math("\\left( 1, .5 \\right)") == "(1,0.5)");
  CHECK(normal_math("10\\%") == normal_math("10"));
  CHECK(normal_math("\\frac{a}{b}") == "\\frac{a}{b}");
  CHECK(normal_math("\\frac") == "\\frac");
  const Pattern pattern("#### (-?[0-9]+)");
  CHECK(pattern.first("a #### 5 b #### -6") == "5");
  CHECK(pattern.last("a #### 5 b #### -6") == "-6");
  CHECK_FALSE(pattern.first(std::string(1 << 20, 'x')));  // no recursion of such a depth
}

TEST_CASE("regular expressions are ECMAScript's, and no text takes them long") {
  CHECK(Pattern("The answer is \\$?(.*?)\\$?\\. I").first("The answer is $3.5$. I") == "3.5");
  CHECK(Pattern("the answer is (.*).").first("so the answer is (A).\nthe answer is b.") == "(A)");
  CHECK(Pattern("(?:a|(b))+").first("cab") == "b");
  CHECK(Pattern("a{2,3}?").first("aaaa") == "aa");
  CHECK(Pattern("a{2,}").first("aaaa") == "aaaa");
  CHECK(Pattern("^b|c$").last("abc") == "c");
  CHECK(Pattern("\\bin\\B").first("in inn").value_or("") == "in");
  CHECK(Pattern("[^\\w\\s-]+").first("a- \xC3\xA9!") == "\xC3\xA9!");
  CHECK(Pattern("x\xC3\xA9?y").first("xy") == "xy");  // a character, and not its last byte
  CHECK(Pattern(" (['.,])").replace("a 'b , c", "$1") == "a'b, c");
  CHECK(Pattern("b*").replace("abc", "<$&$$$2>") == "<$$2>a<b$$2><$$2>c<$$2>");
  // Each takes a backtracking matcher longer than the age of the world.
  const std::string text(Pattern::most_bytes, 'a');
  for (const char* catastrophe :
       {"(a+)+b", "(a|a)*b", "(a*)*b", "(a|aa)+$b", "^(([a-z])+.)+[A-Z]([a-z])+$"}) {
    CHECK_FALSE(Pattern(catastrophe).first(text));
    CHECK_FALSE(Pattern(catastrophe).last(text));
    CHECK(Pattern(catastrophe).replace(text, "") == text);
  }
  // Many matches, each of which looks through all of the text: a bound in steps, not in seconds.
  CHECK(contains(message_of([&] { static_cast<void>(Pattern("a*b|a*c|a").last(text)); }),
                 "takes too long"));
  for (const char* none : {"(", ")", "a**", "^*", "[a", "a{", "a{3,2}", "(?=a)", "(a)\\1", "[z-a]",
                           "a{9999}", "\\q", "[[:alpha:]]"})
    CHECK(contains(message_of([&] { Pattern{none}; }), "not a regular expression"));
  CHECK(contains(message_of([] { Pattern(std::string(10000, '(')); }), "not a regular"));
}

TEST_CASE("data files give items with their places") {
  TempFolder folder;
  write_file(folder.file("a.csv"), "q,a\r\n\"one, \"\"two\"\"\nthree\",4\r\nfive,6\n");
  DataSource source{.files = {"a.csv"}, .type = DataType::csv};
  const std::filesystem::path root = std::filesystem::path(folder.file("")).parent_path();
  auto records = read_records(source, root);
  REQUIRE(records.size() == 2);
  CHECK(records[0].text("q") == "one, \"two\"\nthree");
  CHECK(records[0].line() == 2);
  CHECK(records[1].text("a") == "6");
  CHECK(records[1].line() == 4);

  std::filesystem::create_directory(folder.file("in"));
  write_file(folder.file("in/red_x_test.json"),
             R"({"v": 1, "rows": [{"n": 1, "qs": [{"q": "p"}, {"q": "r", "n": 7}]}]})");
  write_file(folder.file("in/blue_test.json"), R"({"rows": []})");
  source = {.files = {"in/{{colour}}_test.json"}, .type = DataType::json, .at = "rows[].qs[]"};
  records = read_records(source, root);
  REQUIRE(records.size() == 2);
  CHECK(records[0].text("colour") == "red_x");
  CHECK(records[0].text("n") == "1");  // of the row
  CHECK(records[1].text("n") == "7");  // its own
  CHECK(records[0].text("v") == "1");
  CHECK(read_records({.files = {"in/red_x_test.json"}, .type = DataType::json, .at = "*"}, root)
            .size() == 2);

  write_file(folder.file("b.jsonl"), "{\"a\": [\"x\", \"y\"]}\n{\"a\": \"z\"}\n");
  write_file(folder.file("b.lst"), "1\n0\n");
  source = {.files = {"b.jsonl"}, .beside = {{"label", "b.lst"}}};
  records = read_records(source, root);
  CHECK(records[1].text("label") == "0");
  CHECK(Template("<{{a[]}}>{{label}}").expand(records[0]) ==
        std::vector<std::string>{"<x>1", "<y>1"});
  CHECK(records[0].text("a[1]") == "y");
  source.where = {{"label", "0"}};
  CHECK(read_records(source, root).size() == 1);
  source = {.files = {"b.lst"}, .type = DataType::text, .separator = "1"};
  CHECK(read_records(source, root).size() == 1);  // what is only white space is no item
}

TEST_CASE("malformed data is refused with file and line") {
  TempFolder folder;
  const std::filesystem::path root = std::filesystem::path(folder.file("")).parent_path();
  const auto refused = [&](const DataSource& source, const std::string& bytes) {
    write_file(folder.file("f"), bytes);
    return message_of([&] { static_cast<void>(read_records(source, root)); });
  };
  const DataSource jsonl{.files = {"f"}};
  CHECK(contains(refused(jsonl, "{}\n{]\n"), "/f, line 2: malformed file: not JSON"));
  CHECK(contains(refused(jsonl, "{}\n[1]\n"), "line 2: malformed file: not an item"));
  CHECK(contains(refused(jsonl, "{}\n\n{}\n"), "line 2"));
  CHECK(contains(refused(jsonl, "{\"a\": \"\xFF\"}\n"), "line 1"));
  const DataSource csv{.files = {"f"}, .type = DataType::csv};
  CHECK(contains(refused(csv, "a,b\n1,2\n3\n"), "line 3: malformed file: a row with another"));
  CHECK(contains(refused(csv, "a,b\n\"1,2\n"), "line 2: malformed file: a quoted field"));
  CHECK(contains(refused(csv, "a,b\n\"1\"x,2\n"), "line 2: malformed file: text after"));
  const DataSource json{.files = {"f"}, .type = DataType::json, .at = "a[]"};
  CHECK(contains(refused(json, "{\n\n\"a\": nul}"), "line 3"));
  CHECK(contains(refused(json, "{\"b\": []}"), "not where the task says"));
  CHECK(contains(refused(json, "{\"a\": {}}"), "a list"));
  CHECK(contains(refused({.files = {"g"}}, ""), "cannot open"));
  CHECK(contains(refused({.files = {"{{x}}.none"}}, ""), "no file fits"));
  // Deep nesting takes no stack.
  CHECK(contains(refused(json, std::string(1 << 20, '[')), "not JSON"));
  const std::string deep = std::string(1 << 20, '[') + std::string(1 << 20, ']');
  CHECK(contains(refused(json, "{\"a\": " + deep + "}"), "line 1: malformed file: JSON that is"));
  CHECK(contains(refused(jsonl, "{}\n{\"a\": " + deep + "}\n"), "line 2"));

  write_file(folder.file("f"), "{\"a\": [1, 2], \"b\": null}\n");
  const Record record = read_records(jsonl, root).front();
  CHECK(contains(message_of([&] { static_cast<void>(record.text("c")); }), "line 1"));
  CHECK(contains(message_of([&] { static_cast<void>(record.text("b")); }), "not a text"));
  CHECK(contains(message_of([&] { static_cast<void>(record.text("a[]")); }), "a list"));
  CHECK(contains(message_of([&] { static_cast<void>(record.text("a[9]")); }), "no such field"));
  for (const char* path : {"", ".", "a.", "a[", "a[x]", "a[0]b", "[0]"})
    CHECK(error_of([&] { FieldPath{path}; }).has_value());
}

TEST_CASE("malformed tasks are refused with file and line") {
  const auto refused = [](const std::string& from, const std::string& to) {
    std::string text = choice_task;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    return message_of([&] { static_cast<void>(parse_task(text, "t.json")); });
  };
  CHECK(parse_task(choice_task, "t.json").shots.count == 2);
  CHECK(contains(refused("\"gold\"", "\"glod\""), "gold"));
  CHECK(contains(refused("\"gold\"", "\"sede\": 1,\n\"gold\""),
                 "t.json, line 11: malformed file: sede: a key that is not known here"));
  CHECK(contains(refused("\"count\": 2", "\"count\": -2"), "t.json, line 8"));
  CHECK(contains(refused("\"count\": 2", "\"count\": 2, \"count\": 3"), "occurs twice"));
  CHECK(contains(refused("\"separator\"", "\"seperator\""), "shots/seperator"));
  CHECK(contains(refused("multiple_choice", "multiple"), "line 6"));
  CHECK(contains(refused("{{q}}", "{{q"), "t.json, line 9: malformed file: prompt: {{ without }}"));
  CHECK(contains(refused("{{q}}", "{{}}"), "line 9"));
  CHECK(contains(refused("\"choices\": [\" {{c[]}}\"],", ""), "one of choices"));
  CHECK(contains(refused("llama2-task-1", "llama2-task-2"), "line 2"));
  CHECK(contains(refused("\"t\"", "\"../t\""), "line 3"));
  CHECK(contains(refused(",\n\"kind\"", "\n\"kind\""), "line 6: malformed file: not JSON"));
  CHECK(contains(refused("\"prompt\"",
                         "\"fields\": {\"x\": {\"from\": \"{{q}}\", \"steps\": "
                         "[{\"rewrite\": [\"(\", \"\"]}]}},\n\"prompt\""),
                 "line 9: malformed file: fields/x/steps/0/rewrite: not a regular expression"));
  CHECK(contains(refused("\"prompt\"",
                         "\"fields\": {\"x\": {\"from\": \"{{q}}\", \"steps\": "
                         "[{\"shout\": true}]}},\n\"prompt\""),
                 "star_word"));
}

TEST_CASE("every task of the project is well formed") {
  std::size_t tasks = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(LLAMA2_SOURCE_DIR) + "/examples/tasks")) {
    const Task task = load_task(entry.path().string());
    CHECK(task.name == entry.path().stem().string());
    ++tasks;
  }
  CHECK(tasks > 60);
}

TEST_CASE("prompts are the published ones, to the byte") {
  TempFolder folder;
  const std::filesystem::path root = std::filesystem::path(folder.file("")).parent_path();
  const auto prompt = [&](const char* name, std::size_t number) {
    const Task task =
        load_task(std::string(LLAMA2_SOURCE_DIR) + "/examples/tasks/" + name + ".json");
    TaskData data(task, root);
    const Item item = data.item(number);
    return std::pair(item.prompt(item.shots->size(), item.question), item.choices);
  };
  const auto file = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(folder.file(name)).parent_path());
    write_file(folder.file(name), text);
  };
  SECTION("MMLU: hendrycks/test, evaluate.py") {
    std::string dev, expected =
                         "The following are multiple choice questions (with answers) about "
                         " high school chemistry.\n\n";
    for (const std::string n : {"1", "2", "3", "4", "5"}) {
      dev += "\"q, " + n + "\",w,x,y,z,B\n";
      expected += "q, " + n + "\nA. w\nB. x\nC. y\nD. z\nAnswer: B\n\n";
    }
    file("mmlu/data/dev/high_school_chemistry_dev.csv", dev);
    file("mmlu/data/test/high_school_chemistry_test.csv", "last?,1,2,3,4,D\n");
    const auto [text, choices] = prompt("mmlu", 0);
    CHECK(text == expected + "last?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:");
    CHECK(choices == std::vector<std::string>{" A", " B", " C", " D"});
  }
  SECTION("an item cannot name another folder") {
    file("eval-bbh/bbh/x.json", R"({"examples": [{"input": "i", "target": "t", "task": "../x"}]})");
    file("eval-bbh/cot-prompts/x.txt", "-----\nDo it.");
    CHECK(prompt("bbh", 0).first.starts_with("Do it."));  // the file's own name stands
    const Record record(nullptr, {}, "f", 1, "line 1");
    Record bad = record;
    bad.add("a", "../b");
    CHECK(contains(message_of([&] { detail::path_for("x/{{a}}.txt", bad); }), "a file's name"));
  }
  SECTION("GSM8K: lm-evaluation-harness, gsm8k") {
    std::string train, expected;
    for (int n = 0; n < 8; ++n) {
      train += R"({"question": "q)" + std::to_string(n) + R"(?", "answer": "so\n#### 1"})" + "\n";
      expected += "Question: q" + std::to_string(n) + "?\nAnswer: so\n#### 1\n\n";
    }
    file("eval-gsm8k/train.jsonl", train);
    file("eval-gsm8k/test.jsonl", R"({"question": "how?", "answer": "x #### 1,234"})");
    CHECK(prompt("gsm8k", 0).first == expected + "Question: how?\nAnswer:");
  }
  SECTION("BBH: its own examples, lm-evaluation-harness's question") {
    file("eval-bbh/cot-prompts/x_y.txt", "canary\n-----\nDo it.\n\nQ: a\nA: b");
    file("eval-bbh/bbh/x_y.json", R"({"canary": "", "examples": [{"input": "i", "target": "t"}]})");
    CHECK(prompt("bbh", 0).first == "Do it.\n\nQ: a\nA: b\n\nQ: i\nA: Let's think step by step.\n");
  }
  SECTION("TruthfulQA: its preset, and the best answer after the wrong ones") {
    file("eval-truthfulqa/qa_preset.txt", "Q: a?\nA: b.\n\nQ: c?\nA: d.\n");
    file("eval-truthfulqa/TruthfulQA.csv",
         "Category,Question,Best Answer,Correct Answers,Incorrect Answers\n"
         "x,Why?,Because,Because; So.,No; Never.\n");
    const auto [text, choices] = prompt("truthfulqa_mc1_preset", 0);
    CHECK(text == "Q: a?\nA: b.\n\nQ: c?\nA: d.\n\nQ: Why?\nA:");
    CHECK(choices == std::vector<std::string>{" No.", " Never.", " Because."});
    CHECK(prompt("truthfulqa_mc2_preset", 0).first == text);
    CHECK(prompt("truthfulqa_mc1", 0).first == "Q: Why?\nA:");
    const Task task = load_task(LLAMA2_SOURCE_DIR "/examples/tasks/truthfulqa_mc1.json");
    CHECK(TaskData(task, root).item(0).gold == std::vector<std::size_t>{2});
  }
  SECTION("MATH: Minerva's examples from a file") {
    file("math-minerva/examples.txt", "Problem:\np\n\nSolution: s. I hope it is correct.");
    file("eval-llm-foundry/symbolic_problem_solving/math.jsonl",
         R"({"context": "q", "answer": "1", "category": "c"})");
    CHECK(prompt("math_minerva", 0).first ==
          "Problem:\np\n\nSolution: s. I hope it is correct.\n\nProblem:\nq\n\nSolution:");
  }
  SECTION("HellaSwag: lm-evaluation-harness, hellaswag") {
    file("hellaswag/hellaswag_val.jsonl",
         R"({"activity_label": "Cut", "ctx_a": "A man [x] walks.", "ctx_b": "he SITS [title] now",)"
         R"( "endings": ["a  b", "[step] c", "d", "e"], "label": 2, "split_type": "indomain"})");
    const auto [text, choices] = prompt("hellaswag", 0);
    CHECK(text == "Cut: A man walks. He sits. now");
    CHECK(choices == std::vector<std::string>{" a b", "  c", " d", " e"});
  }
  SECTION("LLM Foundry: shots, TriviaQA") {
    std::string lines, expected;
    for (int n = 0; n < 6; ++n)
      lines += R"({"context": "Question: q)" + std::to_string(n) +
               R"(\nAnswer: ", "answer": "a", "aliases": ["A", "b"]})" + "\n";
    for (int n = 0; n < 5; ++n) expected += "Question: q" + std::to_string(n) + "\nAnswer: a\n";
    file("eval-llm-foundry/world_knowledge/triviaqa_sm_sub.jsonl", lines);
    CHECK(prompt("triviaqa_sub", 0).first == expected + "Question: q5\nAnswer:");
  }
  SECTION("LLM Foundry: worked solutions, SVAMP and AQuA") {
    std::string lines;
    for (int n = 0; n < 6; ++n)
      lines += R"({"context": " q)" + std::to_string(n) +
               R"(", "answer": " 12", "chain_of_thought": "( 8 + 4 ) "})" + "\n";
    file("eval-llm-foundry/symbolic_problem_solving/svamp.jsonl", lines);
    CHECK(prompt("svamp", 0).first.starts_with("Question: q0\n\nA:( 8 + 4 )The answer is 12\nQ"));
    CHECK(prompt("svamp", 0).first.ends_with("is 12\nQuestion: q5\n\nA:"));
    file("eval-llm-foundry/symbolic_problem_solving/aqua.jsonl", lines);
    const std::string think = "\nA: Let's think step by step.";
    CHECK(prompt("agieval_aqua", 0).first == "q0" + think + " ( 8 + 4 ) #### 12\nq1" + think +
                                                 " ( 8 + 4 ) #### 12\nq2" + think +
                                                 " ( 8 + 4 ) #### 12\nq3" + think);
  }
  SECTION("MBPP and TriviaQA: lm-evaluation-harness") {
    std::string lines, expected;
    for (int n = 1; n <= 11; ++n) {
      const std::string i = std::to_string(n);
      lines += R"({"text": "Do )" + i + R"(.", "code": "c)" + i +
               R"(", "test_list": ["t1", "t2", "t3"], "test_setup_code": ""})" + "\n";
      if (n < 2 || (n > 4 && n < 11)) continue;
      expected += "You are an expert Python programmer, and here is your task: Do " + i +
                  ". Your code should pass these tests:\n\nt1\nt2\nt3\n[BEGIN]\n";
      if (n < 11) expected += "c" + i + "\n[DONE]\n\n";
    }
    file("mbpp/mbpp.jsonl", lines);
    CHECK(prompt("mbpp", 0).first == expected);
    std::string questions;
    for (const std::string n : {"1", "2", "3", "4", "5"})
      questions += (questions.empty() ? "" : ",") + (R"({"Question": "q)" + n) +
                   R"(?", "Answer": {"Value": "V", "Aliases": ["V"]}})";
    file("triviaqa-unfiltered/unfiltered-web-train.json", "{\"Data\": [" + questions + "]}");
    file("triviaqa-unfiltered/unfiltered-web-dev.json", "{\"Data\": [" + questions + "]}");
    const std::string trivia = prompt("triviaqa", 0).first;
    CHECK(trivia.starts_with("Question: q1?\nAnswer: V\n\nQuestion: q2?\n"));
    CHECK(trivia.ends_with("Question: q1?\nAnswer:"));
  }
  SECTION("SuperGLUE: COPA, WSC and WiC of lm-evaluation-harness") {
    file(
        "superglue/COPA/val.jsonl",
        R"({"premise": "It fell\u3002", "choice1": "The rain.", "choice2": "A b", "question": "cause",)"
        R"( "label": 1})");
    const auto [copa, copa_choices] = prompt("superglue_copa", 0);
    CHECK(copa == "It fell because");
    CHECK(copa_choices == std::vector<std::string>{" the rain.", " a b"});
    file(
        "superglue/WSC/val.jsonl",
        R"({"text": "Ann did n't tell \" Bea \" that she won ( all ) .", "label": false, "target": {"span1_text": "Ann",)"
        R"( "span2_text": "she", "span1_index": 0, "span2_index": 8}})");
    CHECK(prompt("superglue_wsc", 0).first ==
          "Passage: Ann didn't tell\"Bea\"that *she* won (all).\nQuestion: In the passage above, "
          "does the pronoun "
          "\"*she*\" refer to \"*Ann*\"?\nAnswer:");
    file("superglue/WiC/val.jsonl",
         R"({"sentence1": "the \u00e9 bank is", "sentence2": "x", "start1": 6, "end1": 10,)"
         R"( "label": true})");
    CHECK(contains(prompt("superglue_wic", 0).first, "Is the word 'bank' used"));
  }
}

TEST_CASE("lines encode as whole texts do") {
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  LineEncoder encoder(tokenizer);
  for (const char* text : {"", "the\nhen", "\n", "\nthe", "the\n", "\n\n the\n\n", " \n the  \nx",
                           "a\n\xC3\xA9\n\xFF\n"})
    for (int twice = 0; twice < 2; ++twice)
      CHECK(encoder.encode(text) == tokenizer.encode(text, {.bos = true}));
}

TEST_CASE("shared beginnings and batches change no bit") {
  const Reader model = make_random_model<Reader>(1);
  Random random(9);
  // Questions that share much, little and nothing, some that are equal or a beginning of another.
  std::vector<LikelihoodQuestion> questions;
  std::vector<Token> shots(90);
  for (Token& token : shots) token = static_cast<Token>(random.uniform() * 40);
  for (int item = 0; item < 24; ++item) {
    std::vector<Token> stem = item % 8 == 7 ? std::vector<Token>{1} : shots;
    for (int i = 0; i < 5 + item; ++i) stem.push_back(static_cast<Token>(random.uniform() * 40));
    for (int choice = 0; choice < 4; ++choice) {
      auto tokens = stem;
      for (int i = 0; i < 1 + (item * choice) % 5; ++i)
        tokens.push_back(static_cast<Token>(random.uniform() * 3));
      questions.push_back({tokens, stem.size()});
    }
    questions.push_back(questions[questions.size() - 2]);
    questions.push_back({stem, item % 3 == 0 ? 1 : stem.size() - 1});
  }
  const auto check = [&](auto& likelihoods) {
    for (int again = 0; again < 2; ++again) {
      const auto answers = likelihoods.score(questions);
      REQUIRE(answers.size() == questions.size());
      for (std::size_t q = 0; q < questions.size(); ++q) {
        const auto alone = log_probabilities(model, questions[q].tokens);
        const std::vector<double> asked(
            alone.begin() + static_cast<std::ptrdiff_t>(questions[q].begin) - 1, alone.end());
        REQUIRE(answers[q].log_probs == asked);
      }
    }
  };
  std::size_t alone = 0;
  for (const auto& question : questions) alone += question.tokens.size() - 1;
  SECTION("much memory") {
    Likelihoods likelihoods(model);
    check(likelihoods);
    CHECK(likelihoods.tokens() * 4 < 2 * alone);
  }
  SECTION("little memory") {
    Likelihoods likelihoods(model, 256);
    check(likelihoods);
    CHECK(likelihoods.tokens() * 2 < 2 * alone);
  }
  SECTION("a model of any type") {
    Likelihoods likelihoods{AnyModel(model)};
    check(likelihoods);
  }
  Likelihoods likelihoods(model);
  CHECK(error_of([&] { likelihoods.score(std::vector<LikelihoodQuestion>{{{1, 2}, 0}}); }));
  CHECK(error_of([&] { likelihoods.score(std::vector<LikelihoodQuestion>{{{1, 9999}, 1}}); }));
  CHECK(likelihoods.score(std::vector<LikelihoodQuestion>{{{1}, 1}}).front().log_probs.empty());
}

TEST_CASE("items are the same alone, together, and resumed") {
  TempFolder folder;
  const std::filesystem::path root = std::filesystem::path(folder.file("")).parent_path();
  write_file(folder.file("data.jsonl"), choice_data(23));
  const AnyModel model(make_random_model<Reader>(4));
  const Task task = parse_task(choice_task, "t.json");
  TaskData data(task, root);
  CHECK(data.size() == 21);  // two are examples
  CHECK(data.sample(3) == std::vector<std::size_t>{0, 7, 14});
  Evaluator evaluator(model, test::synthetic_tokenizer());
  const auto all = data.sample(100);
  const auto together = evaluator.evaluate(data, all);
  CHECK(contains(together[0].at("prompt"), "ask the hen the hen\nsay the hen\n\nask "));
  CHECK(together[0].at("log_probs").size() == 3);
  std::vector<nlohmann::ordered_json> alone;
  for (const std::size_t number : all) {
    Evaluator fresh(model, test::synthetic_tokenizer());
    alone.push_back(fresh.evaluate(data, std::span(&number, 1)).front());
  }
  CHECK(alone == together);

  // A log that was cut off in the middle of a line.
  const nlohmann::ordered_json header{{"of", "this"}};
  const std::string path = folder.file("items.jsonl");
  {
    ItemLog log(path, header);
    std::vector<std::pair<std::string, nlohmann::ordered_json>> some;
    for (std::size_t i = 0; i < 5; ++i) some.emplace_back(std::to_string(i), together[i]);
    log.append(some);
  }
  const std::string whole = test::read_file(path);
  for (const std::size_t cut : {whole.size() - 1, whole.size() - 100, whole.find('\n') + 1,
                                whole.find('\n'), std::size_t{0}}) {
    write_file(path, whole.substr(0, cut));
    ItemLog log(path, header);
    std::vector<std::pair<std::string, nlohmann::ordered_json>> rest;
    for (std::size_t i = 0; i < together.size(); ++i)
      if (!log.items().contains(std::to_string(i))) rest.emplace_back(std::to_string(i), alone[i]);
    CHECK(rest.size() > together.size() - 5);
    log.append(rest);
    ItemLog again(path, header);
    std::vector<nlohmann::ordered_json> items;
    for (std::size_t i = 0; i < together.size(); ++i)
      items.push_back(again.items().at(std::to_string(i)));
    CHECK(items == together);
    CHECK(summarise(task, items, {}).dump() == summarise(task, together, {}).dump());
  }
  CHECK(contains(message_of([&] { ItemLog log(path, {{"of", "that"}}); }), "another evaluation"));
  write_file(path, header.dump() + "\n{\"key\": 1}\n");
  CHECK(contains(message_of([&] { ItemLog log(path, header); }), "items.jsonl, line 2"));
}

TEST_CASE("prompts too long lose examples, then their beginning") {
  TempFolder folder;
  const std::filesystem::path root = std::filesystem::path(folder.file("")).parent_path();
  write_file(folder.file("data.jsonl"), choice_data(6));
  const Task task = parse_task(choice_task, "t.json");
  TaskData data(task, root);
  const std::size_t number = 0;
  const auto item = [&](std::size_t context) {
    Evaluator evaluator(AnyModel(make_random_model<Reader>(4)), test::synthetic_tokenizer(),
                        {.context = context});
    return evaluator.evaluate(data, std::span(&number, 1)).front();
  };
  CHECK(item(200).at("cut") == false);
  const auto one = item(60);
  CHECK(one.at("cut") == true);
  CHECK(contains(one.at("prompt"), "\n\n"));
  CHECK(one.at("prompt").get<std::string>().size() < item(200).at("prompt").size() + 1000);
  const auto none = item(12);
  CHECK_FALSE(contains(none.at("prompt"), "\n\n"));
  CHECK(none.at("log_probs").size() == 3);
}

TEST_CASE("items of every kind have their figures") {
  TempFolder folder;
  const std::filesystem::path root = std::filesystem::path(folder.file("")).parent_path();
  write_file(folder.file("data.jsonl"), choice_data(8));
  const Reader model = make_random_model<Reader>(4);
  const AnyModel any_model(model);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  EvaluationOptions options;
  options.judges["even"] = [](const JudgeInput& input) {
    return Judgement{input.answer.size() % 2 == 0 ? 1.0 : 0.0, "x"};
  };
  const auto run = [&](const std::string& rest) {
    const Task task =
        parse_task(task_head + "\"data\": {\"files\": \"data.jsonl\"},\n" + rest + "}", "t.json");
    TaskData data(task, root);
    Evaluator evaluator(any_model, tokenizer, options);
    const auto items = evaluator.evaluate(data, data.sample(99));
    return std::pair(items, summarise(task, items, {}));
  };
  const auto sum_of = [&](const std::string& text) {
    const auto log_probs = log_probabilities(model, tokenizer.encode(text, {.bos = true}));
    double sum = 0;
    for (const double log_prob : log_probs) sum += log_prob;
    return std::pair(sum, log_probs.size());
  };
  SECTION("perplexity") {
    const auto [items, summary] = run(R"("kind": "perplexity", "prompt": "{{q}} {{q}}")");
    double log_prob = 0, tokens = 0;
    for (const auto& item : items) {
      const auto [sum, count] = sum_of(item.at("prompt"));
      CHECK(item.at("log_prob").get<double>() == near(sum));
      CHECK(item.at("tokens") == count);
      log_prob += sum;
      tokens += static_cast<double>(count);
    }
    CHECK(summary["metrics"][0]["value"].get<double>() == near(std::exp(-log_prob / tokens)));
    CHECK(summary["metrics"][0]["low"].get<double>() < std::exp(-log_prob / tokens));
  }
  SECTION("sliding windows") {
    options.context = 16;
    const auto [side, side_summary] =
        run(R"("kind": "perplexity", "prompt": "{{q}} {{q}} {{q}} {{q}}")");
    const auto [slid, slid_summary] =
        run(R"("kind": "perplexity", "prompt": "{{q}} {{q}} {{q}} {{q}}", "stride": 4)");
    for (std::size_t i = 0; i < side.size(); ++i) {
      const auto tokens = tokenizer.encode(side[i].at("prompt").get<std::string>(), {.bos = true});
      CHECK(side[i].at("tokens") == tokens.size() - 1);
      CHECK(slid[i].at("tokens") == tokens.size() - 1);
      CHECK(side[i].at("windows").size() == (tokens.size() - 1 + 15) / 16);
      CHECK(slid[i].at("windows").size() == 1 + (tokens.size() - 17 + 3) / 4);
      // The second slid window: 12 tokens of context, 4 that are asked for.
      const auto log_probs = log_probabilities(model, std::span(tokens).subspan(4, 17));
      double last = 0;
      for (std::size_t t = 12; t < 16; ++t) last += log_probs[t];
      CHECK(slid[i]["windows"][1][0].get<double>() == near(last));
    }
  }
  SECTION("preference") {
    const auto [items, summary] =
        run(R"("kind": "preference", "texts": ["{{q}}", "{{c[0]}} {{c[1]}}"])");
    double preferred = 0;
    for (const auto& item : items) {
      const double a = sum_of(item["choices"][0]).first, b = sum_of(item["choices"][1]).first;
      CHECK(item["log_probs"][0].get<double>() == near(a));
      CHECK(item["log_probs"][1].get<double>() == near(b));
      preferred += a > b ? 1 : a == b ? 0.5 : 0;
    }
    CHECK(summary["metrics"][0]["value"].get<double>() == near(preferred / 8));
    CHECK(summary["metrics"][1]["name"] == "gap");
  }
  SECTION("cloze, unconditional") {
    const auto [items, summary] =
        run(R"("kind": "cloze", "prompt": "{{q}}", "continuation": " {{c[0]}}")");
    const std::string prompt = items[1]["prompt"], more = items[1]["continuation"];
    CHECK(items[1]["log_prob"].get<double>() ==
          near(sum_of(prompt + more).first - sum_of(prompt).first));
    const auto [ranked, ranked_summary] =
        run(R"("kind": "multiple_choice", "prompt": "{{q}}", "choices": [" {{c[]}}"],)"
            R"( "gold": "{{g}}", "rank": "unconditional", "unconditional": "the")");
    CHECK(ranked[0]["unconditional"][1].get<double>() ==
          near(sum_of("the" + ranked[0]["choices"][1].get<std::string>()).first -
               sum_of("the").first));
    CHECK(ranked_summary["metrics"][0]["name"] == "accuracy_unconditional");
    CHECK(ranked_summary["metrics"].size() == 4);
    CHECK(ranked_summary["metrics"][1]["chance"].get<double>() == near(1.0 / 3));
  }
  SECTION("generation") {
    const auto [items, summary] =
        run(R"("kind": "generation", "prompt": "{{q}}", "metric": "pass_at", "judge": "even",)"
            R"( "pass_at": [1, 2], "generation": {"max_tokens": 6, "temperature": 1,)"
            R"( "samples": 3})");
    const auto [again, again_summary] =
        run(R"("kind": "generation", "prompt": "{{q}}", "metric": "pass_at", "judge": "even",)"
            R"( "pass_at": [1, 2], "generation": {"max_tokens": 6, "temperature": 1,)"
            R"( "samples": 3})");
    CHECK(items == again);
    CHECK(items[0]["answers"].size() == 3);
    CHECK(items[0]["answers"][0]["text"] != items[0]["answers"][1]["text"]);
    double passed = 0;
    for (const auto& item : items)
      for (const auto& answer : item["answers"]) passed += answer["score"].get<double>();
    CHECK(summary["metrics"][0]["value"].get<double>() == near(passed / 24));
    CHECK(summary["metrics"][1]["name"] == "pass@2");
    CHECK(contains(message_of([&] {
                     run(R"("kind": "generation", "prompt": "x", "metric": "judge", "judge": "n")");
                   }),
                   "no judge"));
  }
  SECTION("several turns: what the model answered is part of what is asked") {
    std::vector<std::vector<Message>> heard;
    options.judges["heard"] = [&](const JudgeInput& input) {
      heard.emplace_back(input.dialogue.begin(), input.dialogue.end());
      return Judgement{0, "no", 1.5};
    };
    const std::string judged =
        R"("kind": "generation", "chat": true, "style": "by {{g}}", "prompt": "{{q}}",)"
        R"( "metric": "judge", "judge": "heard", "generation": {"max_tokens": 4,)"
        R"( "temperature": 1, "samples": 2})";
    for (const bool chat : {false, true}) {
      options.chat = chat;
      options.context = 128;
      heard.clear();
      const auto [items, summary] = run(judged + R"(, "turns": ["the {{c[0]}}", "then"])");
      REQUIRE(heard.size() == 2 * items.size());
      const auto& dialogue = heard[1];
      REQUIRE(dialogue.size() == 5);
      CHECK(dialogue[0] == Message{Role::user, "the the hen"});
      CHECK(dialogue[2] == Message{Role::user, "then"});
      CHECK(dialogue[4].text == items[0]["prompt"].get<std::string>());
      CHECK(dialogue[1].role == Role::assistant);
      CHECK(heard[0][1].text != dialogue[1].text);  // another sample, another dialogue
      CHECK(items[0]["turns"] == 3);
      CHECK(items[0]["style"] == "by 0");
      CHECK(items[0]["answers"][1]["before"] ==
            "the the hen\n" + dialogue[1].text + "\n\nthen\n" + dialogue[3].text + "\n\n");
      CHECK(items[0]["answers"][1]["reward"] == 1.5);
      // A last turn is what it would be, had somebody else asked the same: given the dialogue.
      heard.clear();
      const auto [once, once_summary] = run(judged);
      CHECK(once[0]["turns"] == 1);
      CHECK_FALSE(once[0]["answers"][0].contains("before"));
      CHECK(heard[0].size() == 1);
      CHECK(once[0]["answers"][0]["text"] != items[0]["answers"][0]["text"]);
    }
    CHECK(contains(message_of([&] {
                     run(R"("kind": "generation", "prompt": "x", "metric": "judge", "judge": "n",)"
                         R"( "turns": ["a"])");
                   }),
                   "turns"));
  }
}

TEST_CASE("divergence of a model from itself is nothing") {
  const Reader a = make_random_model<Reader>(1), b = make_random_model<Reader>(2);
  std::vector<Token> tokens(130, 5);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<Token>(i * i % 97);
  const Divergence same = divergence(a, AnyModel(a), tokens);
  CHECK(same.kl == near(0));
  CHECK(same.top_1 == 129);
  CHECK(same.tokens == 129);
  const Divergence other = divergence(a, b, tokens);
  CHECK(other.kl > 0);
  double log_prob = 0;
  for (const double value : log_probabilities(b, tokens)) log_prob += value;
  CHECK(other.log_prob == near(log_prob));
  // By hand: p = (1/2, 1/2), q = (1/4, 3/4): ln(2) / 2 + ln(2/3) / 2.
  const std::vector<float> p = {0, 0}, q = {0, std::log(3.0f)};
  CHECK(kl_divergence(p, q) == Approx(0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3)).margin(1e-7));
}

TEST_CASE("log-likelihoods of 200 items are a double-precision reference's") {
  const auto path = test_data("model-stories260K/stories260K.bin");
  if (!path) return;
  const AnyModel model(load<Model<Stories260K>>(path->string()));
  const Tokenizer tokenizer = load_tokenizer((path->parent_path() / "tok512.bin").string());
  std::ifstream file(std::string(LLAMA2_SOURCE_DIR) + "/tests/golden/eval_likelihoods.json");
  const auto golden = nlohmann::json::parse(file).at("stories260K");
  Evaluator evaluator(model, tokenizer);
  std::size_t items_seen = 0;
  for (const auto& [name, expected] : golden.items()) {
    const Task task =
        load_task(std::string(LLAMA2_SOURCE_DIR) + "/examples/tasks/" + name + ".json");
    TaskData data(task, path->parent_path().parent_path());
    const std::size_t count = expected.at("log_probs").size();
    const auto items = evaluator.evaluate(data, data.sample(count));
    double worst = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto reference = expected["log_probs"][i].get<std::vector<double>>();
      std::vector<double> found;
      if (task.kind == TaskKind::cloze) {
        found = {items[i]["log_prob"].get<double>()};
        CHECK(items[i]["tokens"] == expected["tokens"][i][0]);
      } else {
        found = items[i]["log_probs"].get<std::vector<double>>();
        CHECK(items[i]["tokens"] == expected["tokens"][i]);
        nlohmann::ordered_json exact = items[i];
        exact["log_probs"] = reference;
        for (const Rank rank : {Rank::sum, Rank::token, Rank::byte})
          CHECK(detail::best_of_scores(detail::ranking(items[i], rank)) ==
                detail::best_of_scores(detail::ranking(exact, rank)));
      }
      REQUIRE(found.size() == reference.size());
      for (std::size_t c = 0; c < found.size(); ++c)
        worst = std::max(worst, std::abs(found[c] - reference[c]));
    }
    CAPTURE(name);
    CHECK(worst < 1e-3);
    items_seen += count;
  }
  CHECK(items_seen == 200);
}

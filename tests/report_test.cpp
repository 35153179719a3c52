// Pages made of hostile text: the report, the side-by-side page, their plots.
#include "llama2/eval/report.hpp"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/eval/html.hpp"
#include "llama2/eval/model_answers.hpp"
#include "llama2/eval/plots.hpp"
#include "llama2/eval/side_by_side.hpp"
#include "temp_folder.hpp"

using Catch::Matchers::Contains;
using llama2::ErrorCode;
using nlohmann::json;

namespace {

constexpr const char* hostile = "</script><script>alert(1)</script><img src=x onerror='a(\"b\")'>";

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++n;
  return n;
}

json metric(double value, const char* unit = "fraction") {
  const std::string name = std::string_view(unit) == "fraction" ? "accuracy" : unit;
  return {{"name", name},        {"value", value},       {"low", value - 0.1},
          {"high", value + 0.1}, {"interval", "wilson"}, {"items", 20},
          {"unit", unit},        {"better", "higher"},   {"chance", 0.25}};
}

json item(const char* text) {
  return {{"id", text},
          {"category", text},
          {"file", text},
          {"line", 1},
          {"prompt", text},
          {"score", 1.0},
          {"cut", false},
          {"choices", {text, "b"}},
          {"gold", {0}},
          {"choice", 0},
          {"log_probs", {-1.5, -2.5}},
          {"correct", true},
          {"unconditional", nullptr},
          {"answers",
           {{{"text", text},
             {"extracted", text},
             {"label", nullptr},
             {"before", text},
             {"reward", -0.5}}}}};
}

json result(const char* text) {
  return {
      {"metrics", {metric(0.5), metric(12.5, "perplexity")}},
      {"by_category",
       {{{"category", text}, {"items", 20}, {"metrics", {metric(0.25), metric(1.75, "nats")}}}}},
      {"calibration",
       {{"expected_error", 0.125},
        {"bins",
         {{{"low", 0}, {"high", 0.5}, {"items", 0}, {"confidence", nullptr}, {"accuracy", nullptr}},
          {{"low", 0.5}, {"high", 1}, {"items", 20}, {"confidence", 0.75}, {"accuracy", 0.5}}}}}},
      {"contamination",
       {{{"subset", text},
         {"items", 5},
         {"contaminated", 0.5},
         {"metrics", {metric(0.5)}},
         {"z", -0.5}},
        {{"subset", "without items"},
         {"items", 0},
         {"contaminated", nullptr},
         {"metrics", {metric(0.5)}},
         {"z", nullptr}}}},
      {"cut", 0},
      {"items", {item(text), item("two")}}};
}

/// Results of one model or two in which every text is `text`.
json results(const char* text, std::size_t models) {
  json all{{"format", "llama2-evaluation-1"},
           {"seed", 7},
           {"level", 0.95},
           {"limit", nullptr},
           {"skipped", {{{"task", text}, {"why", text}}}}};
  for (std::size_t m = 0; m < models; ++m) {
    all["models"].push_back({{"label", text + std::to_string(m)},
                             {"format", text},
                             {"target", text},
                             {"parameters", 264896},
                             {"weights_bytes", 1059584},
                             {"tokens", 1234567},
                             {"tokens_per_second", nullptr}});
    all["group_results"].push_back({{"value", 0.5}, {"low", 0.25}, {"high", 0.75}});
    all["task_results"].push_back(result(text));
  }
  json task{{"title", text},
            {"kind", "preference"},
            {"shots", 5},
            {"results", all["task_results"]},
            {"comparisons", json::array()}};
  for (std::size_t m = 1; m < models; ++m)
    task["comparisons"].push_back({{"metric", "accuracy"},
                                   {"difference", 0.0625},
                                   {"low", -0.125},
                                   {"high", 0.25},
                                   {"p", 0.375}});
  for (const char* group : {text, "safety"}) {
    task["group"] = group;
    all["tasks"].push_back(task);
  }
  all["groups"] = {{{"group", text}, {"tasks", {text}}, {"results", all["group_results"]}}};
  const auto rate = [&](double value) {
    return json{{"name", text},   {"count", 1},    {"trials", 8},
                {"value", value}, {"low", 0.0625}, {"high", 0.875}};
  };
  const json rates{{"all", rate(0.125)},
                   {"by_category", {rate(0.125)}},
                   {"by_style", {rate(0.375)}},
                   {"by_turns", {rate(0.625)}}};
  json& safety = all["safety"];
  safety["rewards"] = {{{"task", text}, {"title", text}}};
  for (std::size_t m = 0; m < models; ++m) {
    safety["violations"].push_back(rates);
    safety["false_refusals"].push_back({{"full", rates}, {"full_or_partial", rates}});
    safety["rounds"].push_back(
        {{"version", text}, {"violations", rate(0.75)}, {"mended", m == 0 ? json() : rate(0.875)}});
    safety["rewards"][0]["results"].push_back({{"answers", 8},
                                               {"mean", 0.5},
                                               {"quantiles", {-2, -1, 0.25, 1, 2}},
                                               {"low", -3},
                                               {"high", 3},
                                               {"histogram", {3, 5}}});
  }
  all["formats"] = json::array();
  for (const double bits : {32.0, 16.0, 4.5})
    all["formats"].push_back({{"format", text},
                              {"weights_bytes", bits * 1000},
                              {"bits_per_weight", bits},
                              {"perplexity", metric(9, "perplexity")},
                              {"kl_divergence", metric(0.5 / bits, "nats")},
                              {"top_1", metric(0.75)},
                              {"prefill_tokens_per_second", 9000.5},
                              {"decode_tokens_per_second", nullptr},
                              {"tasks", {{{"task", text}, {"metric", metric(0.5)}}}}});
  return all;
}

/// Whether a page holds no element but those of its own.
void check_harmless(const std::string& page) {
  CHECK(page.find("alert(1)</script>") == page.npos);
  CHECK(page.find("<img") == page.npos);
  CHECK(count(page, "<script") == count(page, "</script>"));
  CHECK(page.find("http://") == page.find("http://www.w3.org/2000/svg"));  // a name, not a link
  CHECK(page.find("https://") == page.npos);
  CHECK(page.find("src=") == page.find("src=x"));  // in escaped text at most
}

}  // namespace

TEST_CASE("escaped text is no markup, and nothing in it hides") {
  using llama2::html_escaped;
  CHECK(html_escaped("<a b=\"c\" d='e'>&") == "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
  CHECK(html_escaped("ü€🎈\n\t") == "ü€🎈\n\t");
  CHECK(html_escaped("a\r\nb") == "a\nb");
  CHECK(html_escaped(std::string_view("\0\x1b\x7f", 3)) == "\uFFFD\uFFFD\uFFFD");
  CHECK(html_escaped("\xC3") == "\uFFFD");  // cut off
  CHECK(html_escaped("\xC0\xBC"
                     "script") == "\uFFFDscript");  // '<', too long
  CHECK(html_escaped("\xED\xA0\x80") == "\uFFFD");  // half of a pair
  CHECK(html_escaped("\xF5\x80\x80\x80") == "\uFFFD");
  CHECK(html_escaped("a\u202Eb\u2066c") ==
        "a\uFFFD"
        "b\uFFFD"
        "c");  // reorders
  CHECK(html_escaped("\uFFFF") == "\uFFFD");
  CHECK(llama2::script_json(json{{"a", "</script><!--&"}}) ==
        R"({"a":"\u003c/script\u003e\u003c!--\u0026"})");
  CHECK(json::parse(llama2::script_json(json{{"a", hostile}}))["a"] == hostile);
}

TEST_CASE("the report shows all parts, of one model or two") {
  const std::string one = llama2::report_html(results("plain", 1));
  CHECK(count(one, "<h1>") == 1);
  for (const char* part : {"Evaluation of plain0</h1>",
                           "Scores by group",
                           "Calibration",
                           "Safety and bias by category",
                           "Other tasks by category",
                           "Contamination",
                           "Formats of the weights",
                           "Not measured",
                           "50.0 % [40.0, 60.0]",
                           "12.5 [12.4, 12.6]",
                           "264\u202F896",
                           "1.1 MB",
                           "25.0 %",
                           "12.5 %",
                           "9\u202F000",
                           "-0.5",
                           "Violations</h2>",
                           "by style of attack",
                           "37.5 % [6.2, 87.5]",
                           "False refusals</h2>",
                           "in full or in part",
                           "Rewards</h2>",
                           "plain: rewards",
                           "gap, nats",
                           "1.75 [1.65, 1.85]"})
    CHECK_THAT(one, Contains(part));
  CHECK(one.find("difference") == one.npos);
  CHECK(one.find("red-team") == one.npos);  // of one version there are no rounds
  CHECK(one.find("without items") == one.npos);
  const std::string three = llama2::report_html(results("plain", 3));
  for (const char* part :
       {"Evaluation of plain0, plain1 and plain2</h1>", "Differences from plain0", "red-team round",
        "87.5 % [6.2, 87.5]", "class=\"mark s2\""})
    CHECK_THAT(three, Contains(part));
  CHECK(count(three, "6.2 % [-12.5, 25.0]") == 4);  // two tasks, each of two models
  const std::string two = llama2::report_html(results("plain", 2));
  CHECK_THAT(two, Contains("Evaluation of plain0 and plain1</h1>"));
  CHECK_THAT(two, Contains("6.2 % [-12.5, 25.0]"));
  CHECK_THAT(two, Contains("0.375"));
  CHECK(count(two, "<svg") == count(two, "</svg>"));
  CHECK(count(two, "<svg") >= 7);
  CHECK(count(two, "<table>") == count(two, "</table>"));
  // The items are in the page as data.
  const std::size_t begin = two.find("id=\"data\">") + 10;
  const json data = json::parse(two.substr(begin, two.find("</script>", begin) - begin));
  REQUIRE(data["tasks"].size() == 2);
  CHECK(data["tasks"][0]["items"].size() == 2);
  CHECK(data["tasks"][0]["items"][1][0]["answers"][0]["text"] == "plain");
  CHECK(data["tasks"][0]["count"] == 2);
  CHECK(data["tasks"][0]["items"][0][0]["prompt"] == "plain");
  CHECK_FALSE(data["tasks"][0]["items"][1][0].contains("prompt"));  // once for both models
  CHECK(data["tasks"][0]["marked"] == true);
  json other = results("plain", 2);
  for (json& of_model : other["tasks"][0]["results"])
    of_model["metrics"][0]["better"] = "lower";  // such as violations: 1 is not "right"
  other["models"][0]["tokens"] = nullptr;        // of a run that was resumed
  CHECK_THAT(llama2::report_html(other), Contains("\"marked\":false"));
  // The difference stands beside the metric that it is of, wherever that is.
  other = results("plain", 2);
  other["tasks"].erase(1);
  for (json& of_model : other["tasks"][0]["results"])
    std::swap(of_model["metrics"][0], of_model["metrics"][1]);
  const std::string swapped = llama2::report_html(other);
  const std::size_t difference = swapped.find("6.2 % [-12.5, 25.0]");
  CHECK(swapped.rfind(">perplexity<", difference) < swapped.rfind(">accuracy<", difference));
  CHECK(llama2::detail::shown(264'896.4, false) == "264\u202F896");
  CHECK(llama2::detail::shown(180'391'393'470.0, false) ==
        "1.804e+11");  // no digits that say nothing
  // A long text's beginning and end, cut between characters.
  std::string whole = "begins ";
  for (int i = 0; i < 3000; ++i) whole += "\u00e9\u20ac";
  whole += " ends";
  const std::string part = llama2::detail::shortened(whole);
  CHECK(part.size() < 3200);
  CHECK(part.starts_with("begins \u00e9"));
  CHECK(part.ends_with("\u20ac ends"));
  CHECK_THAT(part, Contains("bytes that results.json has"));
  CHECK(llama2::html_escaped(part).find("\uFFFD") == std::string::npos);
  CHECK(llama2::detail::shortened("short") == "short");
  const std::string few = llama2::report_html(results("plain", 1), {.items_per_task = 1});
  CHECK_THAT(few, Contains("\"count\":1"));
  CHECK_THAT(few, Contains("\"measured\":2"));
}

TEST_CASE("nothing that a model or a data set says becomes markup of the report") {
  check_harmless(llama2::report_html(results(hostile, 1)));
  check_harmless(llama2::report_html(results(hostile, 2)));
  const llama2::MarkdownReport report = llama2::report_markdown(results(hostile, 2));
  CHECK(report.text.find("<script") == report.text.npos);
  CHECK(report.text.find("<img") == report.text.npos);
  REQUIRE(report.plots.size() >= 7);
  for (const auto& plot : report.plots) {
    CHECK(plot.svg.find("<script") == plot.svg.npos);
    CHECK_THAT(report.text, Contains("](" + plot.name + ")"));
    CHECK_THAT(plot.svg, Contains("prefers-color-scheme: dark"));
  }
  // Markdown of its own kind: tables keep their columns.
  const llama2::MarkdownReport table =
      llama2::report_markdown(results("a | b\n[x](y) `c` *d* @e https://f", 1));
  CHECK_THAT(table.text, Contains("a \\| b \\[x\\](y) \\`c\\` \\*d\\* \\@e https\\://f"));
}

TEST_CASE("results that are not as described are errors that say where") {
  const auto error_of = [](const json& broken) {
    const auto error = test::error_of([&] { llama2::report_html(broken); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::malformed_file);
    return std::string(error->what());
  };
  json broken = results("x", 1);
  broken["format"] = "another";
  CHECK_THAT(error_of(broken), Contains("results.format"));
  broken = results("x", 1);
  broken["models"] = json::array();
  CHECK_THAT(error_of(broken), Contains("results.models"));
  broken = results("x", 1);
  broken["tasks"][1].erase("title");
  CHECK_THAT(error_of(broken), Contains("results.tasks[1].title"));
  broken = results("x", 1);
  broken["tasks"][0]["results"][0]["metrics"][0]["value"] = "0.5";
  CHECK_THAT(error_of(broken), Contains("results[0].metrics[0].value"));
  broken = results("x", 2);
  broken["tasks"][0]["results"].erase(1);
  CHECK_THAT(error_of(broken), Contains("a result for each model"));
  broken = results("x", 2);
  broken["tasks"][0]["results"][1]["metrics"].erase(1);
  CHECK_THAT(error_of(broken), Contains("the same metrics"));
  broken = results("x", 1);
  broken["tasks"][0]["results"][0]["items"][0]["choices"] = {{{"a", 1}}};
  CHECK_THAT(error_of(broken), Contains("choices"));
  error_of(json::array());
  error_of(nullptr);
}

TEST_CASE("plots take what numbers there are") {
  const std::vector<std::string> series = {"a", "b"};
  using llama2::PlotRow;
  CHECK(llama2::dot_plot("t", series, std::vector<PlotRow>{}, true).empty());
  CHECK(llama2::dot_plot("t", series, std::vector<PlotRow>{{"r", {std::nullopt, std::nullopt}}},
                         false)
            .empty());
  const std::string plot = llama2::dot_plot(
      "t", series, std::vector<PlotRow>{{"r", {{{0.5, 0.25, 0.75}}, {{1, 1, 1}}}, 0.5}}, true);
  // 0 to 100 % are 6 to 300.
  CHECK_THAT(plot, Contains("<circle cx=\"153.0\""));
  CHECK_THAT(plot, Contains("x1=\"79.5\""));
  CHECK_THAT(plot, Contains("x2=\"226.5\""));
  CHECK_THAT(plot, Contains("<rect x=\"296.0\""));
  CHECK_THAT(plot, Contains("class=\"chance\" x1=\"153.0\""));
  CHECK_THAT(plot, Contains("<text x=\"0.0\" y=\"98.0\" text-anchor=\"start\" class=\"small\">0%"));
  // Numbers at an axis are told apart, and small ones have room left of it.
  const auto scatter_of = [](double a, double b, bool logarithmic) {
    const std::vector<llama2::PlotPoint> points = {{"p", 1, {a, a, a}}, {"q", 2, {b, b, b}}};
    return llama2::scatter_plot("t", "x", "y", points, logarithmic);
  };
  const std::string near = scatter_of(4.7602, 4.7611, false);
  CHECK_THAT(near, Contains(">4.7602<"));
  CHECK_THAT(near, Contains(">4.7604<"));
  CHECK_THAT(scatter_of(0.0008, 0.0016, true), Contains(">0.0013<"));
  for (const double value : {0.0, -1e300, 1e300, 5e-324}) {
    const std::vector<llama2::PlotPoint> points = {{"p", value, {value, value, value}},
                                                   {"q", value, {value, value, value}}};
    const std::string scatter = llama2::scatter_plot("t", "x", "y", points);
    CHECK(scatter.ends_with("</svg>"));
    CHECK(scatter.find("nan") == scatter.npos);
    const std::string logarithmic = llama2::scatter_plot("t", "x", "y", points, true);
    CHECK(logarithmic.empty() == (value <= 0));  // no logarithm
    CHECK(logarithmic.find("nan") == logarithmic.npos);
    CHECK(logarithmic.find("inf") == logarithmic.npos);
  }
  // Powers of ten at equal distances, and what has no logarithm left out.
  const std::vector<llama2::PlotPoint> falling = {{"none", 32, {0, 0, 0}},
                                                  {"a", 16, {1e-5, 1e-5, 1e-5}},
                                                  {"b", 8, {1e-3, 1e-3, 1e-3}},
                                                  {"c", 4, {1e-1, 1e-1, 1e-1}}};
  const std::string logarithmic = llama2::scatter_plot("t", "x", "y", falling, true);
  CHECK(count(logarithmic, "<circle") == 3);
  CHECK(logarithmic.find("none") == logarithmic.npos);
  CHECK_THAT(logarithmic, Contains(">1e-3</text>"));
  CHECK_THAT(logarithmic, Contains("b: 8, 0.001"));
  const auto height = [&](const char* hint) {  // of the mark that says so
    const std::size_t at = logarithmic.rfind("cy=\"", logarithmic.find(hint));
    return std::stod(logarithmic.substr(at + 4));
  };
  CHECK(height("b: ") - height("c: ") == Approx(height("a: ") - height("b: ")).margin(0.11));
  CHECK(llama2::detail::tick_text(15000) == "15k");
  CHECK(llama2::detail::tick_text(0.25) == "0.25");
  CHECK(llama2::detail::ticks(0, 1) ==
        std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(llama2::detail::plot_text("äöüß", 3) == "äö\u2026");
  CHECK(llama2::detail::plot_text("äöü", 3) == "äöü");
}

TEST_CASE("the side-by-side page hides which model is which, by a seed") {
  std::vector<llama2::SideBySideItem> items;
  for (int i = 0; i < 40; ++i)
    items.push_back({.id = std::to_string(i),
                     .messages = {{llama2::Role::user, i == 0 ? hostile : "question"}},
                     .first = "1st " + std::to_string(i) + hostile,
                     .second = "2nd " + std::to_string(i)});
  llama2::SideBySideOptions options;
  options.title = hostile;
  options.first_model = "llama-first";
  options.second_model = "llama-second";
  const std::string page = llama2::side_by_side_page(items, options);
  check_harmless(page);
  CHECK(page.find("llama-first") == page.npos);
  CHECK(page.find("llama-second") == page.npos);
  const auto data_of = [](const std::string& text) {
    const std::size_t begin = text.find("id=\"data\">") + 10;
    return json::parse(text.substr(begin, text.find("</script>", begin) - begin));
  };
  const json data = data_of(page);
  CHECK(data["models"][0] == "bGxhbWEtZmlyc3Q=");
  REQUIRE(data["items"].size() == 40);
  std::size_t swapped = 0, in_place = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const json& item = data["items"][i];
    const bool second_left = item["left"].get<std::string>().starts_with("2nd");
    CHECK(item["swapped"] == second_left);
    CHECK(item["right"].get<std::string>().starts_with(second_left ? "1st" : "2nd"));
    swapped += second_left;
    in_place += item["id"] == std::to_string(i);
  }
  CHECK(swapped > 10);
  CHECK(swapped < 30);
  CHECK(in_place < 10);
  CHECK(llama2::side_by_side_page(items, options) == page);
  options.seed = 2;
  const json other = data_of(llama2::side_by_side_page(items, options));
  CHECK(other["items"] != data["items"]);
  CHECK(other["key"] != data["key"]);
  options.shuffle = false;
  CHECK(data_of(llama2::side_by_side_page(items, options))["items"][5]["id"] == "5");

  const auto refused = [&](const std::vector<llama2::SideBySideItem>& bad) {
    const auto error = test::error_of([&] { llama2::side_by_side_page(bad, options); });
    return error && error->code() == ErrorCode::invalid_argument;
  };
  CHECK(refused({}));
  CHECK(refused({items[0], items[0]}));
  CHECK(refused({{.id = "1", .messages = {}, .first = "a", .second = "b"}}));
  options.second_model = options.first_model;
  CHECK(refused(items));
}

TEST_CASE("base64") {
  using llama2::detail::base64;
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("\xff\xfe") == "//4=");
}

TEST_CASE("two files of answers are matched question by question") {
  const test::TempFolder folder;
  test::write_file(
      folder.file("a"),
      R"({"prompt":"p","answer":"a1","id":"x"})"
      "\n"
      R"({"prompt":"same","answer":"s"})"
      "\n"
      R"({"prompt":"p","answer":"a2"})"
      "\n"
      R"({"prompt":"only a","answer":"a3"})"
      "\n"
      R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"p"}],"answer":"a4"})");
  test::write_file(
      folder.file("b"),
      R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"p"}],"answer":"b4"})"
      "\n"
      R"({"prompt":"p","answer":"b1"})"
      "\n"
      R"({"prompt":"p","answer":"b2"})"
      "\n"
      R"({"prompt":"same","answer":"s"})"
      "\n");
  const auto matched = llama2::match_answers(llama2::read_answers(folder.file("a")),
                                             llama2::read_answers(folder.file("b")));
  REQUIRE(matched.items.size() == 3);
  CHECK(matched.same == 1);
  CHECK(matched.unmatched == 1);
  CHECK(matched.items[0].id == "x");
  CHECK(matched.items[0].second == "b1");
  CHECK(matched.items[1].id == "3");
  CHECK(matched.items[1].second == "b2");
  CHECK(matched.items[2].second == "b4");
  const auto answers = llama2::read_answers(folder.file("a"));
  test::write_file(folder.file("c"), llama2::answer_line(answers[4]));
  CHECK(llama2::read_answers(folder.file("c"))[0].messages == answers[4].messages);
  test::write_file(folder.file("d"), "{\"prompt\":\"p\"}\n");
  CHECK_THAT(test::error_of([&] { llama2::read_answers(folder.file("d")); })->what(),
             Contains("d, line 1") && Contains("answer"));
  CHECK(llama2::read_questions(folder.file("d")).size() == 1);
}

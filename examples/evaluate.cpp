// Measures a model on tasks; what comes out is described in docs/evaluation.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/eval/code_judge.hpp"
#include "llama2/eval/divergence.hpp"
#include "llama2/eval/evaluation.hpp"
#include "llama2/eval/item_log.hpp"
#include "llama2/eval/report.hpp"
#include "llama2/eval/rule_judges.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "models.hpp"
#include "progress.hpp"
#include "rope_options.hpp"
#include "target_options.hpp"

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using llama2::AnyModel;
using llama2::Error;
using llama2::ErrorCode;
using llama2::Task;
using llama2::TaskData;
using llama2::Token;
using llama2::Tokenizer;
using Clock = std::chrono::steady_clock;

struct Settings {
  std::string model, compare, weights, tokenizer, target;
  std::vector<std::string> tasks = {"all"};
  std::string task_folder = LLAMA2_TASK_FOLDER, data = ".", out = "evaluation";
  std::size_t limit = 0, context = 0;
  llama2::SummaryOptions summary;
  bool chat = false, list = false, run_code = false;
  std::vector<std::string> formats, contamination;
  llama2::LoadOptions load;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Every task of the folder, by name, in the order of groups and names.
std::vector<Task> all_tasks(const std::string& folder) {
  std::vector<Task> tasks;
  std::error_code error;
  for (fs::directory_iterator i(folder, error), end; i != end; i.increment(error))
    if (i->path().extension() == ".json") tasks.push_back(llama2::load_task(i->path().string()));
  if (error) throw Error(ErrorCode::io, "cannot read the folder of tasks", {.file = folder});
  std::ranges::sort(tasks, [](const Task& a, const Task& b) {
    return std::pair(a.group, a.name) < std::pair(b.group, b.name);
  });
  return tasks;
}

/// The tasks that names, groups, paths of files, or "all" stand for, each once.
std::vector<Task> chosen_tasks(const Settings& settings) {
  std::vector<Task> chosen;
  std::optional<std::vector<Task>> known;
  const auto add = [&](const Task& task) {
    if (std::ranges::find(chosen, task.name, &Task::name) == chosen.end()) chosen.push_back(task);
  };
  for (const std::string& name : settings.tasks) {
    if (name.ends_with(".json")) {
      add(llama2::load_task(name));
      continue;
    }
    if (!known) known = all_tasks(settings.task_folder);
    bool found = false;
    for (const Task& task : *known)
      if (name == "all" || task.name == name || task.group == name) {
        add(task);
        found = true;
      }
    if (!found)
      throw Error(ErrorCode::invalid_argument, "no such task or group; --list names them",
                  {.tensor = "--tasks", .found = name});
  }
  return chosen;
}

/// What tells one file from another, without reading all of a large one: size, and a sum of its
/// beginning and end.
Json fingerprint_of(const std::string& path) {
  const llama2::InputFile file(path);
  const auto bytes = file.bytes();
  std::uint64_t sum = 0;
  constexpr std::size_t part = std::size_t{1} << 20;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == part && bytes.size() > 2 * part) i = bytes.size() - part;
    sum = (sum ^ static_cast<std::uint64_t>(bytes[i])) * 0x100000001B3u;
  }
  return {{"bytes", bytes.size()}, {"sum", sum}};
}

/// Where the log keeps a task's items. Items of a task whose file or data have changed since are
/// others.
std::string key_of(const Task& task, const std::string& folder) {
  std::uint64_t sum = 0;
  std::vector<std::string> paths = TaskData::paths(task, folder);
  paths.push_back(task.file);
  for (const std::string& path : paths) {
    const Json print = fingerprint_of(path);
    for (const char* part : {"bytes", "sum"})
      sum = llama2::mix_bits(sum ^ print.at(part).get<std::uint64_t>());
  }
  return task.name + "/" + std::to_string(sum);
}

struct Subject {
  std::string path, label;
  AnyModel model;
  Tokenizer tokenizer;
  std::string tokenizer_path;
};

Subject load_subject(const Settings& settings, const std::string& path,
                     const std::string& weights) {
  AnyModel model = examples::load_model(path, weights, settings.load);
  const std::string tokenizer_path =
      examples::find_tokenizer(settings.tokenizer, path, model.shape().vocab);
  return {path, fs::path(path).filename().string(), std::move(model),
          llama2::load_tokenizer(tokenizer_path), tokenizer_path};
}

std::string format_of(const AnyModel& model) {
  const std::string name = model.name();  // "Stories260K in F32"
  return name.substr(name.rfind(' ') + 1);
}

Json describe(const Subject& subject) {
  const auto memory = subject.model.memory(0);
  return {{"label", subject.label},
          {"path", subject.path},
          {"name", subject.model.name()},
          {"format", format_of(subject.model)},
          {"target", subject.model.target().name()},
          {"parameters", memory.parameters},
          {"weights_bytes", memory.weights},
          {"context", subject.model.config().context},
          {"vocab", subject.model.vocab()},
          {"tokenizer", subject.tokenizer_path}};
}

/// Positions of keys and values held at a time: as many as two gigabytes have room for.
std::size_t cache_positions(const AnyModel& model) {
  return std::clamp<std::size_t>((std::size_t{2} << 30) / model.memory(1).kv_cache_per_token, 1024,
                                 32768);
}

/// Ends the program as Ctrl-C asks, with what is finished on the disk.
struct Interrupted {};

/// A task's items by one model: those of the log, and the rest evaluated now.
std::vector<Json> run_task(llama2::Evaluator<AnyModel>& evaluator, TaskData& data,
                           const std::vector<std::size_t>& numbers, const std::string& key,
                           llama2::ItemLog& log, const std::function<void(std::size_t)>& on_items) {
  // Texts between one saving and the next.
  const std::size_t at_once = std::max<std::size_t>(1, 32 / data.task().generation.samples);
  std::vector<std::size_t> waiting;
  const auto key_of = [&](std::size_t number) { return key + "/" + std::to_string(number); };
  for (const std::size_t number : numbers)
    if (!log.items().contains(key_of(number))) waiting.push_back(number);
  for (std::size_t begin = 0; begin < waiting.size(); begin += at_once) {
    if (examples::interrupted) throw Interrupted();
    const auto part = std::span(waiting).subspan(begin, std::min(at_once, waiting.size() - begin));
    std::vector<Json> items = evaluator.evaluate(data, part);
    std::vector<std::pair<std::string, Json>> finished;
    for (std::size_t i = 0; i < part.size(); ++i)
      finished.emplace_back(key_of(part[i]), std::move(items[i]));
    log.append(finished);
    on_items(part.size());
  }
  std::vector<Json> items;
  for (const std::size_t number : numbers) items.push_back(log.items().at(key_of(number)));
  return items;
}

std::string percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * value);
  return text;
}

std::string shown(const Json& metric) {
  const auto number = [&](const char* key) {
    if (metric.at(key).is_null()) return std::string("-");
    const double value = metric.at(key).get<double>();
    if (metric.at("unit") == "fraction") return percent(value);
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::string(text);
  };
  return number("value") + " (" + number("low") + " to " + number("high") + ")";
}

/// "bits_per_byte -0.0123, p 0.02": how the second model differs from the first.
std::string shown_comparison(const Json& comparison) {
  std::string text = comparison.at("metric").get<std::string>() + " " +
                     llama2::number_text(comparison.at("difference").get<double>());
  if (comparison.at("p").is_number())
    text += ", p " + llama2::number_text(comparison.at("p").get<double>());
  return text;
}

/// One line of the table at the end.
void print_task(const Json& task) {
  std::printf("%-28s %6zu ", task.at("name").get<std::string>().c_str(),
              task.at("items").get<std::size_t>());
  for (const Json& result : task.at("results"))
    std::printf(" %-34s", shown(result.at("metrics").at(0)).c_str());
  std::printf(" %s%s\n", task.at("primary").get<std::string>().c_str(),
              task.at("comparison").is_object()
                  ? ("; difference in " + shown_comparison(task.at("comparison"))).c_str()
                  : "");
}

/// Means over the tasks of each group, of scores that are fractions and better when higher.
Json group_means(const Json& tasks, std::size_t models, const llama2::SummaryOptions& options) {
  std::map<std::string, std::vector<const Json*>> groups;
  for (const Json& task : tasks) {
    const Json& metric = task.at("results").at(0).at("metrics").at(0);
    if (metric.at("unit") == "fraction" && metric.at("better") == "higher")
      groups[task.at("group")].push_back(&task);
  }
  Json means = Json::array();
  for (const auto& [group, members] : groups) {
    Json names = Json::array(), results = Json::array();
    for (const Json* task : members) names.push_back(task->at("name"));
    for (std::size_t m = 0; m < models; ++m) {
      std::vector<std::vector<double>> scores;
      for (const Json* task : members) {
        scores.emplace_back();
        for (const Json& item : task->at("results").at(m).at("items"))
          scores.back().push_back(item.at("score").get<double>());
      }
      results.push_back(llama2::mean_over_tasks(scores, options));
    }
    means.push_back({{"group", group}, {"tasks", names}, {"results", results}});
  }
  return means;
}

/// Tokens per second of a pass over 256 tokens, and of one token after another; the best of several
/// tries of a fifth of a second.
std::pair<double, double> speeds(const AnyModel& model) {
  const std::size_t length = std::min<std::size_t>(256, model.config().context);
  auto pool = model.make_pool(length);
  auto scratch = model.make_scratch(llama2::max_batch_rows);
  std::vector<float> logits(model.vocab());
  const auto run = [&](std::size_t at_a_time) {
    double best = 0;
    for (int tries = 0; tries < 5; ++tries) {
      const auto start = Clock::now();
      std::size_t tokens = 0;
      do {
        llama2::AnySequence sequence(pool, length);
        std::vector<llama2::AnyRow> rows;
        for (std::size_t i = 0; i < length; i += rows.size()) {
          rows.clear();
          for (std::size_t j = i; j < std::min(length, i + at_a_time); ++j)
            rows.push_back({static_cast<Token>(3 + j % 250), j, &sequence});
          rows.back().wants_logits = true;
          model.forward(rows, scratch, logits);
        }
        tokens += length;
      } while (seconds_since(start) < 0.2);
      best = std::max(best, static_cast<double>(tokens) / seconds_since(start));
    }
    return best;
  };
  return {run(length), run(1)};
}

/// A FORMAT of docs/evaluation.md for each format: the texts of perplexity tasks through the first
/// format and each, the other tasks' primary metrics, sizes, speeds.
/// Counts the texts' tokens into `tokens`.
Json study_formats(const Settings& settings, const std::vector<Task>& tasks,
                   const std::vector<std::string>& names, Json& tokens) {
  const Subject reference = load_subject(settings, settings.model, names.front());
  std::vector<std::vector<Token>> texts;
  std::vector<const Task*> others;
  for (const Task& task : tasks) {
    if (TaskData::missing(task, settings.data)) continue;
    if (task.kind != llama2::TaskKind::perplexity) {
      others.push_back(&task);
      continue;
    }
    TaskData data(task, settings.data);
    for (const std::size_t i : data.sample(settings.limit == 0 ? data.size() : settings.limit)) {
      texts.push_back(reference.tokenizer.encode(data.item(i).question, {.bos = true}));
      texts.back().resize(std::min(texts.back().size(), reference.model.config().context));
    }
  }
  if (texts.empty())
    throw Error(ErrorCode::invalid_argument,
                "formats are compared on texts: name a perplexity task whose data is there",
                {.tensor = "--tasks"});
  std::size_t total = 0;
  for (const auto& text : texts) total += text.size();
  tokens = total;
  Json formats = Json::array();
  std::printf("%-6s %12s %6s  %-32s %-34s %-12s %10s %10s", "format", "bytes", "bits", "perplexity",
              "KL divergence, nats", "same top", "prefill/s", "decode/s");
  for (const Task* task : others) std::printf("  %s", task->name.c_str());
  std::printf("\n");
  for (const std::string& name : names) {
    const Subject subject = load_subject(settings, settings.model, name);
    std::vector<double> log_probs, kl, top, predicted;
    for (const auto& text : texts) {
      if (examples::interrupted) throw Interrupted();
      const auto sum = llama2::divergence(reference.model, subject.model, text);
      log_probs.push_back(sum.log_prob);
      kl.push_back(sum.kl);
      top.push_back(sum.top_1);
      predicted.push_back(sum.tokens);
    }
    using llama2::detail::ratio_metric;
    const auto same = [](double x) { return x; };
    const auto [prefill, decode] = speeds(subject.model);
    const auto memory = subject.model.memory(0);
    Json format{
        {"format", format_of(subject.model)},
        {"weights_bytes", memory.weights},
        {"bits_per_weight",
         8 * static_cast<double>(memory.weights) / static_cast<double>(memory.parameters)},
        {"perplexity",
         ratio_metric({.name = "perplexity", .unit = "perplexity", .better = "lower"}, log_probs,
                      predicted, settings.summary, [](double x) { return std::exp(-x); })},
        {"kl_divergence", ratio_metric({.name = "kl_divergence", .unit = "nats", .better = "lower"},
                                       kl, predicted, settings.summary, same)},
        {"top_1", ratio_metric({.name = "top_1"}, top, predicted, settings.summary, same)},
        {"prefill_tokens_per_second", prefill},
        {"decode_tokens_per_second", decode},
        {"tasks", Json::array()}};
    std::printf("%-6s %12zu %6.2f  %-32s %-34s %-12s %10.0f %10.0f",
                format["format"].get<std::string>().c_str(), memory.weights,
                format["bits_per_weight"].get<double>(), shown(format["perplexity"]).c_str(),
                shown(format["kl_divergence"]).c_str(),
                percent(format["top_1"]["value"].get<double>()).c_str(), prefill, decode);
    llama2::Evaluator evaluator(subject.model, subject.tokenizer,
                                {.context = settings.context,
                                 .positions = cache_positions(subject.model),
                                 .seed = settings.summary.seed});
    for (const Task* task : others) {
      TaskData data(*task, settings.data);
      const auto numbers = data.sample(settings.limit == 0 ? data.size() : settings.limit);
      const Json metric =
          llama2::summarise(*task, evaluator.evaluate(data, numbers), settings.summary)
              .at("metrics")
              .at(0);
      format["tasks"].push_back({{"task", task->name}, {"metric", metric}});
      std::printf("  %s", shown(metric).c_str());
    }
    std::printf("\n");
    formats.push_back(std::move(format));
  }
  return formats;
}

void write_text(const fs::path& path, std::string_view text) {
  llama2::OutputFile file(path.string());
  file.write(text);
  file.commit();
}

/// results.json, and the reports made of it.
void write_results(const std::string& folder, const Json& results) {
  const fs::path out(folder);
  const std::string text = results.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  write_text(out / "results.json", text);
  const auto parsed = nlohmann::json::parse(text);
  write_text(out / "report.html", llama2::report_html(parsed));
  const llama2::MarkdownReport report = llama2::report_markdown(parsed);
  for (const auto& plot : report.plots) write_text(out / plot.name, plot.svg);
  write_text(out / "report.md", report.text);
  std::cout << "wrote " << (out / "results.json").string() << ", report.html and report.md\n";
}

/// How much of each text stands in files of training text.
std::vector<double> contaminated_shares(const std::vector<std::string>& texts,
                                        const Tokenizer& tokenizer,
                                        const std::vector<std::string>& files) {
  llama2::ContaminationCheck check;
  for (const std::string& text : texts) check.add_sample(tokenizer.encode(text));
  check.index();
  for (const std::string& path : files)
    check.mark(check.find(tokenizer.encode(examples::read_text(path))));
  std::vector<double> shares;
  for (std::size_t i = 0; i < texts.size(); ++i) shares.push_back(check.sample(i).share());
  return shares;
}

void evaluate(const Settings& settings) {
  const std::vector<Task> tasks = chosen_tasks(settings);
  std::error_code error;
  fs::create_directories(settings.out, error);
  if (error) throw Error(ErrorCode::io, "cannot make the folder", {.file = settings.out});
  Json result{{"format", "llama2-evaluation-1"},
              {"seed", settings.summary.seed},
              {"level", settings.summary.level},
              {"limit", settings.limit == 0 ? Json() : Json(settings.limit)},
              {"data", settings.data},
              {"models", Json::array()},
              {"tasks", Json::array()},
              {"groups", Json::array()},
              {"skipped", Json::array()},
              {"formats", Json::array()}};
  if (!settings.formats.empty()) {
    const Subject subject = load_subject(settings, settings.model, settings.formats.front());
    Json description = describe(subject);
    description["seconds"] = description["tokens_per_second"] = nullptr;
    result["formats"] = study_formats(settings, tasks, settings.formats, description["tokens"]);
    result["models"].push_back(std::move(description));
    write_results(settings.out, result);
    return;
  }

  std::vector<Subject> subjects{load_subject(settings, settings.model, settings.weights)};
  if (!settings.compare.empty())
    subjects.push_back(load_subject(settings, settings.compare, settings.weights));
  if (subjects.size() == 2 && subjects[0].label == subjects[1].label)
    for (Subject& subject : subjects) subject.label = subject.path;

  Json header{{"format", "llama2-evaluation-items-1"},
              {"seed", settings.summary.seed},
              {"context", settings.context},
              {"chat", settings.chat},
              {"models", Json::array()}};
  if (const auto& rope = settings.load.rope_scaling)
    header["rope_scaling"] = {static_cast<int>(rope->kind), rope->factor,    rope->original_context,
                              rope->attention_factor,       rope->beta_fast, rope->beta_slow};
  for (const Subject& subject : subjects)
    header["models"].push_back({{"name", subject.model.name()},
                                {"target", subject.model.target().name()},
                                {"file", fingerprint_of(subject.path)},
                                {"tokenizer", fingerprint_of(subject.tokenizer_path)}});
  llama2::ItemLog log((fs::path(settings.out) / "items.jsonl").string(), header);

  // What can be run, and how much it is.
  struct Planned {
    const Task* task;
    std::unique_ptr<TaskData> data;
    std::vector<std::size_t> numbers;
    std::string key;
    std::string key_of(std::size_t model) const { return std::to_string(model) + "/" + key; }
  };
  std::vector<Planned> planned;
  std::size_t total = 0, done = 0;  // items that this run evaluates
  llama2::Judges judges = llama2::rule_judges();
  if (settings.run_code)
    judges["python_tests"] = llama2::python_tests_judge(
        std::make_shared<llama2::Sandbox>(llama2::SandboxOptions{.allow_generated_code = true}));
  for (const Task& task : tasks) {
    std::string why;
    if (const auto missing = TaskData::missing(task, settings.data))
      why = "its data is not there: " + *missing;
    else if (!task.judge.empty() && !judges.contains(task.judge))
      why = task.judge == "python_tests"
                ? "programs that a model wrote are run with --run-code only"
                : "there is no judge \"" + task.judge + "\" in this program";
    if (!why.empty()) {
      result["skipped"].push_back({{"task", task.name}, {"why", why}});
      continue;
    }
    auto data = std::make_unique<TaskData>(task, settings.data);
    auto numbers = data->sample(settings.limit == 0 ? data->size() : settings.limit);
    planned.push_back({&task, std::move(data), std::move(numbers), key_of(task, settings.data)});
    for (std::size_t m = 0; m < subjects.size(); ++m)
      for (const std::size_t number : planned.back().numbers)
        total += !log.items().contains(planned.back().key_of(m) + "/" + std::to_string(number));
  }

  if (planned.empty())
    throw Error(ErrorCode::invalid_argument, "none of the tasks can be run",
                {.file = settings.data,
                 .tensor = result["skipped"][0]["task"].get<std::string>(),
                 .expected = "--data with the tasks' files",
                 .found = result["skipped"][0]["why"].get<std::string>()});

  std::vector<std::vector<std::vector<Json>>> items(planned.size());  // (task, model, item)
  {
    examples::Progress progress("evaluating", "items");
    for (const Subject& subject : subjects) {
      const auto start = Clock::now();
      const std::size_t index = static_cast<std::size_t>(&subject - subjects.data());
      llama2::Evaluator evaluator(subject.model, subject.tokenizer,
                                  {.context = settings.context,
                                   .positions = cache_positions(subject.model),
                                   .seed = settings.summary.seed,
                                   .chat = settings.chat,
                                   .judges = judges});
      const std::size_t known = log.items().size();
      for (std::size_t t = 0; t < planned.size(); ++t) {
        items[t].push_back(
            run_task(evaluator, *planned[t].data, planned[t].numbers, planned[t].key_of(index), log,
                     [&](std::size_t count) { progress.show(done += count, total); }));
      }
      std::size_t asked = 0;
      for (const Planned& plan : planned) asked += plan.numbers.size();
      const bool fresh = log.items().size() - known == asked;  // nothing came from an earlier run
      const double seconds = seconds_since(start);
      Json description = describe(subject);
      description["seconds"] = fresh ? Json(seconds) : Json();
      description["tokens"] = fresh ? Json(evaluator.tokens()) : Json();
      description["tokens_per_second"] =
          fresh ? Json(static_cast<double>(evaluator.tokens()) / seconds) : Json();
      result["models"].push_back(std::move(description));

      if (settings.contamination.empty()) continue;
      std::vector<std::string> texts;
      for (const Planned& plan : planned)
        for (const std::size_t number : plan.numbers)
          texts.push_back(plan.data->item(number).text());
      const auto shares = contaminated_shares(texts, subject.tokenizer, settings.contamination);
      auto share = shares.begin();
      for (auto& of_task : items)
        for (Json& item : of_task.back()) item["contamination"] = *share++;
    }
  }

  for (std::size_t t = 0; t < planned.size(); ++t) {
    const Task& task = *planned[t].task;
    Json entry{{"name", task.name},
               {"title", task.title},
               {"group", task.group},
               {"kind", to_string(task.kind)},
               {"source", task.source},
               {"shots", task.shots.count},
               {"seed", task.seed},
               {"items", planned[t].numbers.size()},
               {"available", planned[t].data->size()},
               {"primary", ""},
               {"results", Json::array()},
               {"comparison", nullptr}};
    for (const auto& of_model : items[t]) {
      entry["results"].push_back(llama2::summarise(task, of_model, settings.summary));
      entry["results"].back()["items"] = of_model;
    }
    entry["primary"] = entry["results"][0]["metrics"][0]["name"];
    if (subjects.size() == 2)
      entry["comparison"] = llama2::compare_models(task, entry["primary"], items[t][0], items[t][1],
                                                   settings.summary);
    print_task(entry);
    result["tasks"].push_back(std::move(entry));
  }
  result["groups"] = group_means(result["tasks"], subjects.size(), settings.summary);
  for (const Json& skipped : result["skipped"])
    std::cerr << "skipped " << skipped["task"].get<std::string>() << ": "
              << skipped["why"].get<std::string>() << '\n';
  write_results(settings.out, result);
}

void list_tasks(const Settings& settings) {
  for (const Task& task : all_tasks(settings.task_folder)) {
    const auto missing = TaskData::missing(task, settings.data);
    std::printf("%-28s %-24s %-16s %s\n", task.name.c_str(), task.group.c_str(),
                std::string(to_string(task.kind)).c_str(),
                missing ? ("needs " + *missing).c_str() : "");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Measures a model on tasks: multiple choice, cloze, perplexity, generation, preference. "
      "Writes results.json and reports of it; started again with the same arguments, it goes on "
      "where it was "
      "stopped."};
  Settings settings;
  app.add_option("MODEL", settings.model, "checkpoint: a llama2.c .bin or a GGUF file");
  app.add_option("--tasks", settings.tasks, "names, groups, task files, or all")->delimiter(',');
  app.add_flag("--list", settings.list, "print the tasks, and what those lack that cannot run");
  app.add_option("--task-folder", settings.task_folder, "where task files are")
      ->capture_default_str();
  app.add_option("--data", settings.data, "folder that the tasks' data files are in")
      ->capture_default_str();
  app.add_option("--out", settings.out, "folder to write into")->capture_default_str();
  app.add_option("--limit", settings.limit, "most items of a task, at equal distances; 0: all")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("--compare", settings.compare, "another checkpoint, on the same items");
  auto* const formats =
      app.add_option("--formats", settings.formats,
                     "instead: what formats of the weights cost, the first one being what the "
                     "others are compared with; such as F32,Q8_0,Q4_0")
          ->delimiter(',');
  app.add_option("--contamination", settings.contamination,
                 "files of training text, to look for the items in");
  app.add_flag("--chat", settings.chat,
               "the model is a chat model: prompts that users say go into "
               "its dialogue format");
  app.add_flag("--run-code", settings.run_code,
               "run programs that the model writes, in a sandbox: without a network, with an empty "
               "folder of their own, little memory and 10 seconds");
  app.add_option("--context", settings.context, "most tokens of a text; 0: the model's own")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("--seed", settings.summary.seed, "of what is drawn at random")
      ->capture_default_str()
      ->check(examples::whole_number);
  app.add_option("--level", settings.summary.level, "of confidence of intervals")
      ->capture_default_str()
      ->check(CLI::Range(0.5, 0.9999));
  app.add_option("--tokenizer", settings.tokenizer,
                 "tokenizer.model or tokenizer.bin; by default looked for beside the model");
  app.add_option("--threads", settings.load.threads, "0: one per processor")
      ->capture_default_str()
      ->check(examples::whole_number);
  examples::add_rope_options(app, settings.load.rope_scaling);
  examples::add_weights_option(app, settings.weights);
  formats->excludes(app.get_option("--weights"))->excludes(app.get_option("--compare"));
  examples::add_target_options(app, settings.target);

  int status = 0;
  const int ran = examples::run(app, argc, argv, [&] {
    if (settings.list) return list_tasks(settings);
    if (settings.model.empty())
      throw Error(ErrorCode::invalid_argument, "name a MODEL, or --list the tasks");
    settings.load.target = examples::target_named(settings.target);
    examples::catch_interrupt();
    try {
      evaluate(settings);
    } catch (const Interrupted&) {
      std::cerr << "interrupted; the same command goes on from here\n";
      status = 130;
    }
  });
  return ran != 0 ? ran : status;
}

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
#include "llama2/base/checksum.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/eval/code_judge.hpp"
#include "llama2/eval/divergence.hpp"
#include "llama2/eval/evaluation.hpp"
#include "llama2/eval/item_log.hpp"
#include "llama2/eval/report.hpp"
#include "llama2/eval/reward_judge.hpp"
#include "llama2/eval/rule_judges.hpp"
#include "llama2/eval/safety_summary.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "models.hpp"
#include "progress.hpp"
#include "reward_models.hpp"
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
  std::string model, weights, tokenizer, target, judge_model;
  std::vector<std::string> tasks = {"all"};
  std::string task_folder = LLAMA2_TASK_FOLDER, data = ".", out = "evaluation";
  std::size_t limit = 0, context = 0;
  llama2::SummaryOptions summary;
  bool chat = false, list = false, run_code = false;
  std::vector<std::string> compare, formats, contamination;
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

/// What tells one file from another: all of its bytes have a part in it.
Json fingerprint_of(const std::string& path) {
  const llama2::InputFile file(path);
  return {{"bytes", file.bytes().size()}, {"sum", llama2::checksum(file.bytes())}};
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
              task.at("comparisons").size() == 1
                  ? ("; difference in " + shown_comparison(task.at("comparisons").at(0))).c_str()
                  : "");
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

/// An evaluation, as the command line asks for it.
class Evaluation {
 public:
  explicit Evaluation(const Settings& settings)
      : settings_(settings),
        tasks_(chosen_tasks(settings)),
        judges_(llama2::rule_judges()),
        result_{{"format", "llama2-evaluation-1"},
                {"seed", settings.summary.seed},
                {"level", settings.summary.level},
                {"limit", settings.limit == 0 ? Json() : Json(settings.limit)},
                {"data", settings.data},
                {"models", Json::array()},
                {"tasks", Json::array()},
                {"groups", Json::array()},
                {"safety", nullptr},
                {"skipped", Json::array()},
                {"formats", Json::array()}} {
    std::error_code error;
    fs::create_directories(settings.out, error);
    if (error) throw Error(ErrorCode::io, "cannot make the folder", {.file = settings.out});
    add_judges();
    load_subjects();
    log_.emplace((fs::path(settings.out) / "items.jsonl").string(), header());
    plan();
  }

  void run() {
    {
      examples::Progress progress("evaluating", "items");
      const auto show = [&](std::size_t count) { progress.show(done_ += count, total_); };
      for (std::size_t m = 0; m < models(); ++m) {
        // Of a study of formats one model is in memory besides the first.
        std::optional<Subject> other;
        if (m >= subjects_.size())
          other = load_subject(settings_, settings_.model, settings_.formats[m]);
        const Subject& subject = other ? *other : subjects_[m];
        Json description = evaluate(m, subject, show);
        if (study()) result_["formats"].push_back(format_entry(m, subject, show));
        if (!study() || m == 0) result_["models"].push_back(std::move(description));
      }
    }
    summarise();
    for (const Json& skipped : result_["skipped"])
      std::cerr << "skipped " << skipped["task"].get<std::string>() << ": "
                << skipped["why"].get<std::string>() << '\n';
    write_results(settings_.out, result_);
  }

 private:
  /// A task that can be run, and its items by each model.
  struct Planned {
    const Task* task;
    std::unique_ptr<TaskData> data;
    std::vector<std::size_t> numbers;
    std::string key;
    std::vector<std::vector<Json>> items{};

    std::string key_of(std::size_t model) const { return std::to_string(model) + "/" + key; }
  };
  /// A text by which formats are compared.
  struct StudiedText {
    std::string key;
    std::vector<Token> tokens;

    std::string key_of(std::size_t model) const {
      return std::to_string(model) + "/divergence/" + key;
    }
  };

  bool study() const { return !settings_.formats.empty(); }
  std::size_t models() const { return study() ? settings_.formats.size() : subjects_.size(); }

  void add_judges() {
    if (settings_.run_code)
      judges_["python_tests"] = llama2::python_tests_judge(
          std::make_shared<llama2::Sandbox>(llama2::SandboxOptions{.allow_generated_code = true}));
    if (settings_.judge_model.empty()) return;
    llama2::LoadOptions load = settings_.load;
    load.rope_scaling.reset();  // which is of the models that are judged
    llama2::add_reward(judges_, examples::load_reward_function(settings_.judge_model, load));
  }

  void load_subjects() {
    subjects_.push_back(load_subject(settings_, settings_.model,
                                     study() ? settings_.formats.front() : settings_.weights));
    for (const std::string& path : settings_.compare)
      subjects_.push_back(load_subject(settings_, path, settings_.weights));
    std::map<std::string, std::size_t> uses;
    for (const Subject& subject : subjects_) ++uses[subject.label];
    for (Subject& subject : subjects_)
      if (const fs::path path = subject.path; uses[subject.label] > 1)
        subject.label = (path.parent_path().filename() / path.filename()).string();
    uses.clear();
    for (Subject& subject : subjects_)
      if (const std::size_t use = ++uses[subject.label]; use > 1)
        subject.label += " (" + std::to_string(use) + ")";
  }

  /// What an evaluation must have in common with one that was begun, to go on with it.
  Json header() const {
    Json header{{"format", "llama2-evaluation-items-2"}, {"seed", settings_.summary.seed},
                {"context", settings_.context},          {"chat", settings_.chat},
                {"rules", llama2::rules_version},        {"models", Json::array()}};
    if (!settings_.judge_model.empty()) header["judge"] = fingerprint_of(settings_.judge_model);
    if (study()) header["formats"] = settings_.formats;
    if (const auto& rope = settings_.load.rope_scaling)
      header["rope_scaling"] = {
          static_cast<int>(rope->kind), rope->factor,    rope->original_context,
          rope->attention_factor,       rope->beta_fast, rope->beta_slow};
    for (const Subject& subject : subjects_)
      header["models"].push_back({{"name", subject.model.name()},
                                  {"target", subject.model.target().name()},
                                  {"file", fingerprint_of(subject.path)},
                                  {"tokenizer", fingerprint_of(subject.tokenizer_path)}});
    return header;
  }

  /// Why a task cannot be run; empty if it can.
  std::string why_not(const Task& task) const {
    if (const auto missing = TaskData::missing(task, settings_.data))
      return "its data is not there: " + *missing;
    if (task.judge.empty() || judges_.contains(task.judge)) return "";
    return task.judge == "python_tests"
               ? "programs that a model wrote are run with --run-code only"
               : "there is no judge \"" + task.judge + "\" in this program";
  }

  /// What can be run, and how much it is.
  void plan() {
    for (const Task& task : tasks_) {
      if (const std::string why = why_not(task); !why.empty()) {
        result_["skipped"].push_back({{"task", task.name}, {"why", why}});
        continue;
      }
      auto data = std::make_unique<TaskData>(task, settings_.data);
      auto numbers = data->sample(settings_.limit == 0 ? data->size() : settings_.limit);
      const std::string key = key_of(task, settings_.data);
      if (study() && task.kind == llama2::TaskKind::perplexity)
        add_texts(*data, numbers, key);
      else
        planned_.push_back({&task, std::move(data), std::move(numbers), key});
    }
    if (study() && texts_.empty())
      throw Error(ErrorCode::invalid_argument,
                  "formats are compared on texts: name a perplexity task whose data is there",
                  {.tensor = "--tasks"});
    if (planned_.empty() && texts_.empty())
      throw Error(ErrorCode::invalid_argument, "none of the tasks can be run",
                  {.file = settings_.data,
                   .tensor = result_["skipped"][0]["task"].get<std::string>(),
                   .expected = "--data with the tasks' files",
                   .found = result_["skipped"][0]["why"].get<std::string>()});
    for (std::size_t m = 0; m < models(); ++m) {
      for (const Planned& plan : planned_)
        for (const std::size_t number : plan.numbers)
          total_ += !log_->items().contains(plan.key_of(m) + "/" + std::to_string(number));
      for (const StudiedText& text : texts_) total_ += !log_->items().contains(text.key_of(m));
    }
  }

  void add_texts(TaskData& data, const std::vector<std::size_t>& numbers, const std::string& key) {
    for (const std::size_t number : numbers) {
      std::vector<Token> tokens =
          subjects_[0].tokenizer.encode(data.item(number).question, {.bos = true});
      tokens.resize(std::min(tokens.size(), subjects_[0].model.config().context));
      texts_.push_back({key + "/" + std::to_string(number), std::move(tokens)});
    }
  }

  /// A model's items of all tasks. Returns what is to be said of the model.
  Json evaluate(std::size_t m, const Subject& subject,
                const std::function<void(std::size_t)>& on_items) {
    const auto start = Clock::now();
    llama2::Evaluator<AnyModel> evaluator(subject.model, subject.tokenizer,
                                          {.context = settings_.context,
                                           .positions = cache_positions(subject.model),
                                           .seed = settings_.summary.seed,
                                           .chat = settings_.chat,
                                           .judges = judges_});
    const std::size_t known = log_->items().size();
    std::size_t asked = 0;
    for (Planned& plan : planned_) {
      asked += plan.numbers.size();
      plan.items.push_back(
          run_task(evaluator, *plan.data, plan.numbers, plan.key_of(m), *log_, on_items));
    }
    const bool fresh = log_->items().size() - known == asked;  // nothing came from an earlier run
    const double seconds = seconds_since(start);
    Json description = describe(subject);
    description["seconds"] = fresh ? Json(seconds) : Json();
    description["tokens"] = fresh ? Json(evaluator.tokens()) : Json();
    description["tokens_per_second"] =
        fresh ? Json(static_cast<double>(evaluator.tokens()) / seconds) : Json();
    if (!settings_.contamination.empty()) mark_contaminated(subject.tokenizer);
    return description;
  }

  /// The last model's items, in its own tokens.
  void mark_contaminated(const Tokenizer& tokenizer) {
    std::vector<std::string> texts;
    for (const Planned& plan : planned_)
      for (const std::size_t number : plan.numbers) texts.push_back(plan.data->item(number).text());
    const auto shares = contaminated_shares(texts, tokenizer, settings_.contamination);
    auto share = shares.begin();
    for (Planned& plan : planned_)
      for (Json& item : plan.items.back()) item["contamination"] = *share++;
  }

  /// How far a model is from the first, on a text: from the log, or measured now.
  const Json& divergence(std::size_t m, const Subject& subject, const StudiedText& text,
                         const std::function<void(std::size_t)>& on_items) {
    const std::string key = text.key_of(m);
    if (!log_->items().contains(key)) {
      if (examples::interrupted) throw Interrupted();
      const auto sum = llama2::divergence(subjects_[0].model, subject.model, text.tokens);
      const std::pair<std::string, Json> finished(key, {{"log_prob", sum.log_prob},
                                                        {"kl", sum.kl},
                                                        {"top_1", sum.top_1},
                                                        {"tokens", sum.tokens}});
      log_->append(std::span(&finished, 1));
      on_items(1);
    }
    return log_->items().at(key);
  }

  /// A FORMAT of docs/evaluation.md.
  Json format_entry(std::size_t m, const Subject& subject,
                    const std::function<void(std::size_t)>& on_items) {
    std::map<std::string, std::vector<double>> sums;
    for (const StudiedText& text : texts_)
      for (const auto& [name, value] : divergence(m, subject, text, on_items).items())
        sums[name].push_back(value.get<double>());
    const auto ratio = [&](const llama2::detail::MetricKind& kind, const char* name, auto f) {
      return llama2::detail::ratio_metric(kind, sums[name], sums["tokens"], settings_.summary, f);
    };
    const auto same = [](double x) { return x; };
    const auto [prefill, decode] = speeds(subject.model);
    const auto memory = subject.model.memory(0);
    Json format{
        {"format", format_of(subject.model)},
        {"weights_bytes", memory.weights},
        {"bits_per_weight",
         8 * static_cast<double>(memory.weights) / static_cast<double>(memory.parameters)},
        {"perplexity", ratio({.name = "perplexity", .unit = "perplexity", .better = "lower"},
                             "log_prob", [](double x) { return std::exp(-x); })},
        {"kl_divergence",
         ratio({.name = "kl_divergence", .unit = "nats", .better = "lower"}, "kl", same)},
        {"top_1", ratio({.name = "top_1"}, "top_1", same)},
        {"prefill_tokens_per_second", prefill},
        {"decode_tokens_per_second", decode},
        {"tasks", Json::array()}};
    std::printf("%s: %zu bytes, %.2f bits a weight; %.0f tokens/s at once, %.0f one by one\n",
                format["format"].get<std::string>().c_str(), memory.weights,
                format["bits_per_weight"].get<double>(), prefill, decode);
    for (const char* metric : {"perplexity", "kl_divergence", "top_1"})
      print_metric("", format[metric]);
    for (const Planned& plan : planned_) {
      Json metric = llama2::summarise(*plan.task, plan.items[m], settings_.summary)["metrics"][0];
      print_metric(plan.task->name, metric);
      format["tasks"].push_back({{"task", plan.task->name}, {"metric", std::move(metric)}});
    }
    return format;
  }

  static void print_metric(const std::string& task, const Json& metric) {
    std::printf("  %-28s %-34s %s\n", task.c_str(), shown(metric).c_str(),
                metric.at("name").get<std::string>().c_str());
  }

  /// From items to figures. A study has those of the first format in full.
  void summarise() {
    std::vector<llama2::MeasuredTask> measured;
    std::vector<std::string> labels;
    for (const Json& model : result_["models"]) labels.push_back(model["label"]);
    for (const Planned& plan : planned_) {
      const Task& task = *plan.task;
      Json entry{{"name", task.name},
                 {"title", task.title},
                 {"group", task.group},
                 {"variant_of", task.variant_of.empty() ? Json() : Json(task.variant_of)},
                 {"kind", to_string(task.kind)},
                 {"source", task.source},
                 {"shots", task.shots.count},
                 {"seed", task.seed},
                 {"items", plan.numbers.size()},
                 {"available", plan.data->size()},
                 {"primary", ""},
                 {"results", Json::array()},
                 {"comparisons", Json::array()}};
      const auto items = std::span(plan.items).first(labels.size());
      for (const auto& of_model : items) {
        entry["results"].push_back(llama2::summarise(task, of_model, settings_.summary));
        entry["results"].back()["items"] = of_model;
      }
      entry["primary"] = entry["results"][0]["metrics"][0]["name"];
      for (const auto& of_model : items.subspan(1))
        entry["comparisons"].push_back(
            llama2::compare_models(task, entry["primary"], items[0], of_model, settings_.summary));
      if (!study()) print_task(entry);
      result_["tasks"].push_back(std::move(entry));
      measured.push_back({&task, items});
    }
    result_["groups"] = llama2::group_means(result_["tasks"], labels.size(), settings_.summary);
    result_["safety"] = llama2::summarise_safety(measured, labels, settings_.summary.level);
  }

  const Settings& settings_;
  std::vector<Task> tasks_;
  llama2::Judges judges_;
  Json result_;
  std::vector<Subject> subjects_;  // all models; of a study of formats the first
  std::optional<llama2::ItemLog> log_;
  std::vector<Planned> planned_;
  std::vector<StudiedText> texts_;
  std::size_t total_ = 0, done_ = 0;  // items that this run evaluates
};

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
  app.add_option(
         "--compare", settings.compare,
         "another checkpoint, on the same items; up to four times, such as for the versions "
         "of a model in their order")
      ->allow_extra_args(false)
      ->check([count = 0](const std::string&) mutable {
        return ++count > 4 ? std::string("more than four others") : std::string();
      });
  app.add_option("--judge-model", settings.judge_model,
                 "a reward model (GGUF) that judges answers to adversarial prompts in the rule's "
                 "place: a violation is what it finds good with a probability below one half");
  auto* const formats =
      app.add_option("--formats", settings.formats,
                     "the same tasks in several formats of the weights, and what these cost, the "
                     "first one being what the others are compared with; such as F32,Q8_0,Q4_0")
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
      Evaluation(settings).run();
    } catch (const Interrupted&) {
      std::cerr << "interrupted; the same command goes on from here\n";
      status = 130;
    }
  });
  return ran != 0 ? ran : status;
}

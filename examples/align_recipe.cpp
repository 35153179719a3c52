// From the storyteller to an assistant: the Llama 2 paper's way from a base model to its fifth chat
// version, in the recipe's world, stage by stage.
//
//   align_recipe school --base storyteller.gguf --out base
//   align_recipe run --base base/sft.gguf --out versions
//   align_recipe study margins --base base/sft.gguf --out versions
//   align_recipe report --out versions --page docs/results/recipe.md
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/parallel/thread_pool.hpp"
#include "progress.hpp"
#include "recipe/assistant_world.hpp"
#include "recipe/examine.hpp"
#include "recipe/plan.hpp"
#include "recipe/recipe_report.hpp"
#include "recipe/studies.hpp"

namespace {

struct Options {
  std::string base, out, page, study;
  std::vector<std::string> others;
  std::uint64_t seed = 1;
  double scale = 1;
  bool quick = false;
  std::size_t threads = 0;
  std::uint64_t minutes = 0;

  [[nodiscard]] recipe::RecipePlan plan() const {
    return quick ? recipe::quick_plan(seed) : recipe::main_plan(seed, scale);
  }
};

/// A line when a stage begins or ends, and between them how far it is.
class StageProgress {
 public:
  void show(const std::string& stage, std::uint64_t done, std::uint64_t all) {
    if (stage != stage_) {
      progress_.emplace(stage, "pieces");
      stage_ = stage;
    }
    progress_->show(done, all);
  }

 private:
  std::string stage_;
  std::optional<examples::Progress> progress_;
};

/// Asks for an end after some minutes. Work that is asked to end saves first.
class TimeLimit {
 public:
  TimeLimit(std::uint64_t minutes, const std::stop_source& stop) {
    if (minutes == 0) return;
    thread_ = std::jthread([minutes, stop](const std::stop_token& over) {
      const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(minutes);
      while (!over.stop_requested() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (!over.stop_requested()) stop.request_stop();
    });
  }

 private:
  std::jthread thread_;
};

/// All that works on one folder.
struct Work {
  Work(const Options& o, const std::stop_token& stop)
      : plan(o.plan()),
        ledger(o.out),
        stages(ledger, llama2::load_tokenizer(o.base),
               {.executor = {std::make_shared<llama2::ThreadPool>(o.threads)},
                .stop = stop,
                .on_progress = [this](const std::string& stage, std::uint64_t done,
                                      std::uint64_t all) { progress.show(stage, done, all); }}),
        world(o.seed, plan.demonstrations),
        base(o.base),
        versions(stages, world, base, plan.versions),
        examiner(stages, plan.examination, o.seed, plan.versions.max_tokens) {}

  /// From the storyteller, who has never been asked anything, to the base of all versions: it reads
  /// plain dialogues of the world, none of them about safety.
  void school() {
    const llama2::VersionsPlan lessons{.seed = world.seed() + recipe::school_seed,
                                       .tuning = plan.schooling};
    recipe::AssistantWorld school_world(lessons.seed, plan.lessons);
    recipe::AssistantVersions(stages, school_world, base, lessons).tune_supervised();
  }

  void run() {
    using enum llama2::RewardKind;
    versions.tune_supervised();
    examiner.examine("sft");
    examiner.make_pairs("sft", helpfulness);
    examiner.make_pairs("sft", safety);
    for (std::size_t round = 1; round <= plan.versions.rounds; ++round) {
      versions.run_round(round);
      for (const auto kind : {helpfulness, safety})
        examiner.measure(recipe::AssistantVersions::reward_stage(round, kind));
      examiner.examine(recipe::AssistantVersions::stage_of(round));
    }
  }

  recipe::RecipePlan plan;
  StageProgress progress;
  llama2::StageLedger ledger;
  recipe::Stages stages;
  recipe::AssistantWorld world;
  std::string base;
  recipe::AssistantVersions versions;
  recipe::Examiner examiner;
};

/// Works until it is done, or Ctrl-C or the time is over: then all that is done is saved, and it
/// returns false where it was the time.
bool work(const Options& o, const std::function<void(Work&)>& body) {
  examples::catch_interrupt();
  std::stop_source stop;
  const examples::OnInterrupt on_interrupt(stop);
  const TimeLimit limit(o.minutes, stop);
  try {
    Work all(o, stop.get_token());
    body(all);
  } catch (const llama2::Error& error) {
    if (error.code() != llama2::ErrorCode::cancelled) throw;
    if (!examples::interrupted) {
      std::fprintf(stderr, "the time is over; the same command goes on\n");
      return false;
    }
    throw llama2::Error(llama2::ErrorCode::cancelled,
                        "what is done is saved; the same command goes on", {.file = o.out});
  }
  std::fprintf(stderr, "all done: %s\n", o.out.c_str());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Makes an assistant of the storyteller, as the Llama 2 paper made its chat models:\n"
      "supervised fine-tuning, two reward models, four versions by rejection sampling and a fifth\n"
      "with PPO, Ghost Attention and context distillation. Every stage is kept in a folder; "
      "Ctrl-C\n"
      "saves and ends, and the same command goes on, to the same result."};
  app.require_subcommand(1);
  Options o;
  const auto add_common = [&](CLI::App* command, const char* base) {
    command->add_option("--base", o.base, base)->required();
    command->add_option("--out", o.out, "folder for all that is made")->required();
    command->add_option("--seed", o.seed, "of all that is drawn")
        ->capture_default_str()
        ->check(examples::whole_number);
    command->add_flag("--quick", o.quick, "every step on very little data, to see that it works");
    command->add_option("--threads", o.threads, "0: one per processor; the result is the same")
        ->check(examples::whole_number);
    command
        ->add_option("--minutes", o.minutes,
                     "save and end after so many, with exit status 3; 0: when all is done")
        ->check(examples::whole_number);
  };
  CLI::App* const school = app.add_subcommand(
      "school", "the base model (sft.gguf): the storyteller, after it has read dialogues");
  CLI::App* const run =
      app.add_subcommand("run", "the whole way, and the examination of each version");
  CLI::App* const study =
      app.add_subcommand("study", "what a part is good for, when `run` has ended");
  CLI::App* const report = app.add_subcommand("report", "a page of what was recorded");
  add_common(school, "the storyteller, a GGUF file of `pretrain`");
  for (CLI::App* const command : {run, study}) {
    add_common(command, "the base model, a GGUF file of `school`");
    command->add_option("--scale", o.scale, "share of the data of the whole recipe")
        ->capture_default_str()
        ->check(CLI::Range(0.01, 10.0));
  }
  study->add_option("name", o.study, "which")
      ->required()
      ->check(CLI::IsMember(
          std::vector<std::string>(recipe::Studies::names.begin(), recipe::Studies::names.end())));
  report->add_option("--out", o.out, "the folder of `run`")->required();
  report->add_option("--other", o.others, "folders of runs with other seeds");
  report->add_option("--page", o.page, "the page in Markdown; its plots are put beside it")
      ->required();

  bool finished = true;
  const int status = examples::run(app, argc, argv, [&] {
    if (*school) finished = work(o, [](Work& all) { all.school(); });
    if (*run) finished = work(o, [](Work& all) { all.run(); });
    if (*study)
      finished = work(o, [&](Work& all) {
        recipe::Studies(all.stages, all.versions, all.examiner, all.base, all.plan).run(o.study);
      });
    if (*report) recipe::write_report(o.out, o.others, o.page);
  });
  return status == 0 && !finished ? 3 : status;
}

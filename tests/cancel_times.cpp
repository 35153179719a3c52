// By hand: how long after it is cancelled work on Llama 2 7B, with generated weights, returns.
//
//   cancel_times FOLDER [threads] [prompt tokens] [trials]    FOLDER has room for a file of 3.8 GB
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "llama2/io/gguf_writer.hpp"
#include "llama2/llama2.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using Model = llama2::Model<llama2::Llama2_7B, llama2::Q4_0>;

double milliseconds(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// Calls `work` again and again, cancels it each time after another while, and prints how long it
/// then took to return: the median and the worst.
template <class Work>
void measure(const char* what, int rounds, Clock::duration longest, Work&& work) {
  std::vector<double> times;
  for (int i = 1; i <= rounds; ++i) {
    std::stop_source source;
    Clock::time_point asked;
    std::jthread other([&] {
      std::this_thread::sleep_for(longest * i / rounds);
      asked = Clock::now();
      source.request_stop();
    });
    work(source.get_token());
    const auto returned = Clock::now();
    other.join();
    if (returned > asked) times.push_back(milliseconds(returned - asked));
  }
  if (times.empty()) {
    std::printf("%s: ended each time before it was cancelled\n", what);
    return;
  }
  std::ranges::sort(times);
  std::printf("%s: median %.1f ms, worst %.1f ms, of %zu trials (%zu ended before)\n", what,
              times[times.size() / 2], times.back(), times.size(),
              static_cast<std::size_t>(rounds) - times.size());
  std::fflush(stdout);
}

template <class Work>
void expect_cancelled(Work&& work) {
  try {
    work();
    std::puts("was not cancelled");
  } catch (const llama2::Error& error) {
    if (error.code() != llama2::ErrorCode::cancelled) throw;
  }
}

llama2::Tokenizer bytes_tokenizer() {
  llama2::Vocabulary vocabulary;
  vocabulary.pieces.push_back({.text = "<unk>", .type = llama2::PieceType::unknown});
  for (const char* control : {"<s>", "</s>"})
    vocabulary.pieces.push_back({.text = control, .type = llama2::PieceType::control});
  for (int byte = 0; byte < 256; ++byte)
    vocabulary.pieces.push_back({.text = llama2::byte_piece(static_cast<std::uint8_t>(byte)),
                                 .type = llama2::PieceType::byte});
  return llama2::Tokenizer::from_vocabulary(std::move(vocabulary));
}

void measure_all(const std::string& path, std::size_t threads, std::size_t prompt, int rounds) {
  const auto pool = std::make_shared<llama2::ThreadPool>(threads);
  {
    const auto model = llama2::make_random_model<Model>(1, pool);
    llama2::write_gguf(path, model, nullptr, {.executor = pool});

    llama2::Session<Model> session(model, bytes_tokenizer(), {.context = prompt + 64});
    std::vector<llama2::Token> tokens;
    for (std::size_t i = 0; i < prompt; ++i)
      tokens.push_back(static_cast<llama2::Token>(i * 7919 % 32000));
    session.append(tokens);
    const auto start = Clock::now();
    (void)session.logits();
    const auto whole = Clock::now() - start;
    std::printf("a prompt of %zu tokens takes %.1f s\n", prompt, milliseconds(whole) / 1000);
    // All but a sixteenth of it: the speed varies.
    measure("prompt", rounds, whole * 15 / 16, [&](const std::stop_token& cancel) {
      session.truncate(0);
      session.append(tokens);
      expect_cancelled([&] { (void)session.logits({cancel, {}}); });
    });
    session.truncate(20);
    measure("generation", rounds, std::chrono::milliseconds(900),
            [&](const std::stop_token& cancel) {
              session.truncate(20);
              const auto result = session.generate("",
                                                   {.max_tokens = 1000,
                                                    .temperature = 0,
                                                    .logit_bias = {{1, -INFINITY}, {2, -INFINITY}},
                                                    .cancel = cancel},
                                                   [](std::string_view) { return true; });
              if (result.reason != llama2::StopReason::cancelled) std::puts("was not cancelled");
            });
    session.truncate(20);
    std::printf("and goes on: %zu tokens\n", session
                                                 .generate("", {.max_tokens = 4, .temperature = 0},
                                                           [](std::string_view) { return true; })
                                                 .tokens);
  }
  measure("loading", rounds, std::chrono::milliseconds(1500), [&](const std::stop_token& cancel) {
    expect_cancelled(
        [&] { (void)llama2::load<Model>(path, {.executor = pool, .cancel = cancel}); });
  });
  using Other = llama2::Model<llama2::Llama2_7B, llama2::Q8_0>;
  measure("loading into another format", rounds, std::chrono::seconds(2),
          [&](const std::stop_token& cancel) {
            expect_cancelled([&] {
              (void)llama2::load<Other>(path,
                                        {.executor = pool, .requantize = true, .cancel = cancel});
            });
          });
  measure("loading a file that is read", rounds, std::chrono::milliseconds(1000),
          [&](const std::stop_token& cancel) {
            expect_cancelled([&] {
              (void)llama2::load<Model>(
                  path, {.executor = pool, .access = llama2::FileAccess::read, .cancel = cancel});
            });
          });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [threads] [prompt tokens] [trials]\n", argv[0]);
    return 2;
  }
  const std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
  const std::size_t prompt = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 2000;
  const int rounds = argc > 4 ? std::max(1, std::atoi(argv[4])) : 15;
  const std::string path = std::string(argv[1]) + "/cancel_times.gguf";
  int status = 0;
  try {
    measure_all(path, threads, prompt, rounds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    status = 1;
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return status;
}

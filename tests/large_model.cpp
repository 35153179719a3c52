// Instantiates the large shapes whole, and, run by hand, shows that Llama 2 7B with generated
// weights computes finite logits within its memory plan:
//
//   large_model [prompt tokens] [threads]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "llama2/llama2.hpp"

LLAMA2_INSTANTIATE_MODEL(llama2::Llama2_13B, llama2::BF16);
LLAMA2_INSTANTIATE_MODEL(llama2::Llama2_34B, llama2::BF16);
LLAMA2_INSTANTIATE_MODEL(llama2::Llama2_70B, llama2::F16);

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::size_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

int main(int argc, char** argv) {
  using Model = llama2::Model<llama2::Llama2_7B, llama2::BF16>;
  const std::size_t prompt = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64;
  const std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  constexpr std::size_t decoded = 8;
  const std::size_t context = prompt + decoded;

  auto start = std::chrono::steady_clock::now();
  const auto model =
      llama2::make_random_model<Model>(1, std::make_shared<llama2::ThreadPool>(threads));
  std::printf("generated %.2f GB of weights in %.1f s\n",
              static_cast<double>(Model::memory.weights()) / 1e9, seconds_since(start));

  Model::Sequence sequence(std::make_shared<Model::Pool>(context), context);
  llama2::Workspace<Model::Shape> workspace;
  std::vector<float> logits(Model::Shape::vocab);
  const auto feed = [&](std::size_t count) {
    std::vector<Model::Row> rows;
    for (std::size_t i = 0; i < count; ++i)
      rows.push_back({static_cast<llama2::Token>((sequence.size() + i) * 7919 % 32000),
                      sequence.size() + i, &sequence, i + 1 == count});
    model.forward(rows, workspace, logits);
    if (!std::ranges::all_of(logits, [](float x) { return std::isfinite(x); })) {
      std::puts("logits are not finite");
      std::exit(1);
    }
  };
  start = std::chrono::steady_clock::now();
  feed(prompt);
  std::printf("prefill of %zu tokens: %.2f tokens/s\n", prompt,
              static_cast<double>(prompt) / seconds_since(start));
  start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < decoded; ++i) feed(1);
  std::printf("decode: %.2f tokens/s\n", static_cast<double>(decoded) / seconds_since(start));

  const std::size_t planned = Model::memory.total(context);
  const std::size_t peak = peak_resident_bytes();
  std::printf("planned %.3f GB, peak resident %.3f GB\n", static_cast<double>(planned) / 1e9,
              static_cast<double>(peak) / 1e9);
  // The program itself, its stacks and libraries are not part of the plan.
  constexpr std::size_t program = std::size_t{32} << 20;
  if (peak > planned + program) {
    std::puts("more than planned");
    return 1;
  }
}

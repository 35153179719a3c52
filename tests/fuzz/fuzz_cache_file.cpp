// A saved cache, for a model of its shape; then a step from it.
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "hostile_bytes.hpp"
#include "llama2/base/checksum.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/model/cache_file.hpp"
#include "llama2/model/random_model.hpp"
#include "seed_shapes.hpp"

namespace {

using Model = llama2::Model<test::SeedLeast, llama2::F32, llama2::F16>;

/// Loads into a sequence that holds something already, and goes on.
void use(const Model& model, std::span<const std::uint8_t> bytes) {
  constexpr std::size_t capacity = 100;
  const auto pool = std::make_shared<Model::Pool>(capacity);
  Model::Sequence sequence(pool, capacity);
  llama2::Workspace<test::SeedLeast> workspace(1);
  std::vector<float> logits(test::SeedLeast::vocab);
  const auto step = [&] {
    const Model::Row row{1, sequence.size(), &sequence, true};
    model.forward({&row, 1}, workspace, logits);
  };
  step();
  try {
    const auto tokens = llama2::load_cache(test::path_of(bytes), model, sequence);
    if (tokens.size() < sequence.size()) test::finding("more positions than tokens");
    for (const llama2::Token token : tokens)
      if (!llama2::is_token(token, test::SeedLeast::vocab)) test::finding("a token that is none");
  } catch (const llama2::Error&) {
    if (sequence.size() != 1) test::finding("what was refused changed the sequence");
    throw;
  }
  if (sequence.size() < capacity) step();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Model model = llama2::make_random_model<Model>(1);
  static constexpr auto codes = {llama2::ErrorCode::mismatch, llama2::ErrorCode::context_exhausted};
  test::use_or_refuse({data, size}, [&] { use(model, {data, size}); }, codes);
  // Few inputs have the right checksum by themselves.
  const std::string as_it_is = test::outcome;
  if (size < sizeof(std::uint64_t) || as_it_is.find("checksum") == std::string::npos) return 0;
  std::vector<std::uint8_t> summed(data, data + size);
  const std::uint64_t sum =
      llama2::checksum(std::as_bytes(std::span(summed)).first(size - sizeof sum));
  std::memcpy(summed.data() + size - sizeof sum, &sum, sizeof sum);
  test::use_or_refuse(summed, [&] { use(model, summed); }, codes);
  test::outcome = as_it_is + "; with its checksum: " + test::outcome;
  return 0;
}

// A translation unit that uses a model type which another has compiled.
#include "bin_writer.hpp"
#include "catch.hpp"
#include "instantiate_shape.hpp"
#include "temp_file.hpp"

LLAMA2_EXTERN_MODEL(SharedShape, llama2::F32);
LLAMA2_EXTERN_MODEL(SharedShape, llama2::BF16, llama2::F32);

namespace {

template <class M>
void check_extern_model() {
  const test::TempFile file(test::write_version_1(test::random_float_model<SharedShape>(9)));
  const M model = llama2::load<M>(llama2::open_checkpoint(file.path()), {.threads = 1});
  llama2::Session<M> session(model, test::synthetic_tokenizer());
  const auto result =
      session.generate("the", {.max_tokens = 5}, [](std::string_view) { return true; });
  CHECK(result.tokens == 5);
  CHECK(session.tokens().size() == result.prompt_tokens + 5);
}

}  // namespace

TEST_CASE("a model type compiled in another translation unit links and runs") {
  check_extern_model<llama2::Model<SharedShape, llama2::F32>>();
  check_extern_model<llama2::Model<SharedShape, llama2::BF16, llama2::F32>>();
}

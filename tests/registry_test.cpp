// From a file to the compiled type that fits it.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bin_writer.hpp"
#include "block_shapes.hpp"
#include "catch.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/io/gguf_writer.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/registry/any_model.hpp"
#include "llama2/registry/model_list.hpp"
#include "logits.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_file.hpp"

using namespace llama2;
using namespace test;

namespace zoo {

struct Mouse {
  static constexpr std::size_t dim = 16, hidden_dim = 24, layers = 2, heads = 4, kv_heads = 2,
                               vocab = synthetic_vocab, context = 40;
};
struct LongMouse : Mouse {
  static constexpr std::size_t context = 80;
};
struct TiedMouse : Mouse {
  static constexpr bool tied_head = true;
};
struct Vole : Mouse {
  static constexpr std::size_t layers = 1;
};

}  // namespace zoo

namespace {

const LoadOptions one_thread{.threads = 1};

using BothMice = ModelList<Model<zoo::Vole, F32>, Model<zoo::Mouse, BF16>, Model<zoo::Mouse, F32>>;
using OneMouse = ModelList<Model<zoo::Vole, F32>, Model<zoo::Mouse, BF16>, Model<zoo::Mouse, F16>>;

/// The name of the type of `List` that `bytes` are loaded into.
template <class List>
std::string chosen(const std::string& bytes) {
  const TempFile file(bytes);
  return visit_model<List>(
      file.path(), [](auto model) { return decltype(model)::name(); }, one_thread);
}

template <class List>
std::optional<Error> error_of(const std::string& bytes) {
  try {
    chosen<List>(bytes);
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Text with every run of white space as one space.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return out;
}

}  // namespace

// What the error tells people to paste, compiled here and compared with the message below.
#define LLAMA2_TEST_CODE_AND_TEXT(text_name, ...) \
  __VA_ARGS__                                     \
  const char* const text_name = #__VA_ARGS__;

namespace pasted {
// clang-format off
LLAMA2_TEST_CODE_AND_TEXT(untied_text,
struct MyShape {
  static constexpr std::size_t dim = 16, hidden_dim = 24, layers = 2, heads = 4, kv_heads = 2, vocab = 294, context = 40;
};)
LLAMA2_TEST_CODE_AND_TEXT(list_text, llama2::Model<MyShape, llama2::F32>* unused = nullptr;)
namespace tied {
LLAMA2_TEST_CODE_AND_TEXT(text,
struct MyShape {
  static constexpr std::size_t dim = 16, hidden_dim = 24, layers = 2, heads = 4, kv_heads = 2, vocab = 294, context = 40;
  static constexpr bool tied_head = true;
};)
}  // namespace tied
// clang-format on
}  // namespace pasted

TEST_CASE("the type is chosen by shape") {
  using List = ModelList<Model<zoo::Vole>, Model<zoo::TiedMouse>, Model<zoo::Mouse>>;
  CHECK(chosen<List>(write_version_0(random_float_model<zoo::Vole>(1))) == "zoo::Vole in F32");
  CHECK(chosen<List>(write_version_1(random_float_model<zoo::Mouse>(1))) == "zoo::Mouse in F32");
  CHECK(chosen<List>(write_version_0(random_float_model<zoo::TiedMouse>(1))) ==
        "zoo::TiedMouse in F32");
}

TEST_CASE("a type in the file's own format is preferred, then the first that fits") {
  const FloatModel numbers = random_float_model<zoo::Mouse>(1);
  CHECK(chosen<BothMice>(write_version_1(numbers)) == "zoo::Mouse in F32");
  CHECK(chosen<OneMouse>(write_version_1(numbers)) == "zoo::Mouse in BF16");
  CHECK(chosen<BothMice>(write_version_2(numbers, 8)) == "zoo::Mouse in BF16");
}

TEST_CASE("the type is preferred that rounds nothing twice, then that converts least") {
  const TempFile floats(write_version_1(random_float_model<Ragged>(1)));
  const TempFile out("");
  const bool pack = GENERATE(false, true);
  write_gguf(out.path(), open_checkpoint(floats.path()), Encoding::q8_0, nullptr,
             {.pack = pack});  // and F16, where ragged
  const auto chosen_of = [&]<class... Formats>(std::type_identity<std::tuple<Formats...>>) {
    return visit_model_type<ModelList<Model<Ragged, Formats>...>>(
        open_checkpoint(out.path()),
        []<class M>(std::type_identity<M>) { return std::string(M::Weights::name); });
  };
  using Mix = Mixed<Q8_0, F16>;
  CHECK(chosen_of(std::type_identity<std::tuple<Q4_0, F16, Q8_0, Mix>>()) == Mix::name);
  CHECK(chosen_of(std::type_identity<std::tuple<Q4_0, F16, Q8_0>>()) == "Q8_0");
  CHECK(chosen_of(std::type_identity<std::tuple<Q4_0, F32, BF16>>()) == "F32");
  CHECK(chosen_of(std::type_identity<std::tuple<Q4_0, F32, F16>>()) == "F16");  // keeps the ragged
}

namespace {
// Rows of w2 are no whole blocks: in F16 they are as many bytes as all the rest in Q4_0.
struct WideRagged {
  static constexpr std::size_t dim = 64, hidden_dim = 180, layers = 1, heads = 2, kv_heads = 1,
                               vocab = 16, context = 8;
  static constexpr bool tied_head = true;
};
}  // namespace

TEST_CASE("what a file holds in F16 because of its rows does not decide") {
  const TempFile floats(write_version_1(random_float_model<WideRagged>(1)));
  const TempFile out("");
  write_gguf(out.path(), open_checkpoint(floats.path()), Encoding::q4_0);
  using List = ModelList<Model<WideRagged, F16>, Model<WideRagged, Q4_0>>;
  const Checkpoint checkpoint = open_checkpoint(out.path());
  CHECK(checkpoint.encoding == Encoding::q4_0);
  CHECK(visit_model_type<List>(checkpoint, []<class M>(std::type_identity<M>) {
          return std::string(M::Weights::name);
        }) == "Q4_0");
}

TEST_CASE("the context does not decide whether a type fits") {
  using List = ModelList<Model<zoo::LongMouse>>;
  const TempFile file(write_version_1(random_float_model<zoo::Mouse>(1)));
  const AnyModel model = load_any<List>(file.path(), one_thread);
  CHECK(model.name() == "zoo::LongMouse in F32");
  CHECK(model.config().context == zoo::Mouse::context);
}

TEST_CASE("the function's value is returned, and options reach the loader") {
  const TempFile file(write_version_1(random_float_model<zoo::Mouse>(1)));
  int calls = 0;
  LoadOptions options = one_thread;
  options.rope_theta = 12345.0f;
  const float theta = visit_model<BothMice>(
      file.path(),
      [&](const auto& model) {
        ++calls;
        return model.config().rope_theta;
      },
      options);
  CHECK(theta == 12345.0f);
  CHECK(calls == 1);
  visit_model<BothMice>(file.path(), [&](const auto&) { ++calls; }, one_thread);
  CHECK(calls == 2);
}

TEST_CASE("when no type fits, the error says what to add") {
  using List = ModelList<Model<zoo::Vole, F32>, Model<zoo::TiedMouse, BF16>>;
  const auto error = error_of<List>(write_version_1(random_float_model<zoo::Mouse>(1)));
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::unsupported);
  CHECK_FALSE(error->details().file.empty());
  const std::string message = one_line(error->what());
  const auto holds = [&](std::string_view part) {
    INFO(message);
    INFO(part);
    CHECK(message.find(part) != std::string::npos);
  };
  holds("llama2.c .bin version 1");
  holds("zoo::Vole in F32");
  holds("zoo::TiedMouse in BF16");
  holds(one_line(pasted::untied_text));
  holds("llama2::ModelList<");
  const std::string_view line = pasted::list_text;
  holds(line.substr(0, line.find('*')));
  CHECK(ShapeInfo::of<pasted::MyShape>().same_tensors(ShapeInfo::of<zoo::Mouse>()));
  CHECK(pasted::MyShape::context == zoo::Mouse::context);
  CHECK(pasted::unused == nullptr);
}

TEST_CASE("the advice for a tied head says that it is tied") {
  const auto error = error_of<ModelList<Model<zoo::Mouse>>>(
      write_version_0(random_float_model<zoo::TiedMouse>(1)));
  REQUIRE(error);
  CHECK(one_line(error->what()).find(one_line(pasted::tied::text)) != std::string::npos);
  CHECK(ShapeInfo::of<pasted::tied::MyShape>().same_tensors(ShapeInfo::of<zoo::TiedMouse>()));
}

TEST_CASE("a file that is no checkpoint is refused before any type is considered") {
  const auto error = error_of<BothMice>("not a model");
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::malformed_file);
}

TEST_CASE("a type-erased model says what the typed one says") {
  using M = Model<zoo::Mouse, BF16>;
  const M typed = make_random_model<M>(3);
  const AnyModel any(typed);
  CHECK(any.name() == M::name());
  CHECK(any.shape().same_tensors(ShapeInfo::of<zoo::Mouse>()));
  CHECK(any.shape().context == zoo::Mouse::context);
  CHECK(any.config().context == typed.config().context);
  CHECK(any.config().norm_epsilon == typed.config().norm_epsilon);
  CHECK(any.target().name() == typed.target().name());
  const std::array<Token, 4> text = {1, 270, 5, 9};
  CHECK(any.log_probabilities(text) == log_probabilities(typed, text));
  for (const std::size_t context : {1u, 40u, 1000u}) {
    const MemoryNumbers memory = any.memory(context);
    CHECK(memory.parameters == M::memory.parameters());
    CHECK(memory.weights == M::memory.weights());
    CHECK(memory.kv_cache_per_token == M::memory.kv_cache_per_token());
    CHECK(memory.kv_cache == M::memory.kv_cache(context));
    CHECK(memory.scratch == M::memory.scratch());
    CHECK(memory.total == M::memory.total(context));
  }
}

TEST_CASE("a type-erased session does what the typed one does, to the last bit") {
  using M = Model<zoo::Mouse, F32>;
  const TempFile file(write_version_1(random_float_model<zoo::Mouse>(3)));
  const AnyModel any = load_any<BothMice>(file.path(), one_thread);
  REQUIRE(any.name() == M::name());
  Session<M> typed(load<M>(file.path(), one_thread), synthetic_tokenizer(), {.context = 30});
  AnySession erased = any.session(synthetic_tokenizer(), 30);
  CHECK(any.session(synthetic_tokenizer()).context() == zoo::Mouse::context);
  CHECK(erased.context() == 30);

  const GenerateOptions options{.max_tokens = 12, .temperature = 0.9f, .seed = 4};
  std::string typed_text, erased_text;
  const auto typed_result = typed.generate("the hat", options, [&](std::string_view part) {
    typed_text += part;
    return true;
  });
  const auto erased_result = erased.generate("the hat", options, [&](std::string_view part) {
    erased_text += part;
    return true;
  });
  CHECK(erased_result.reason == typed_result.reason);
  CHECK(erased_result.tokens == typed_result.tokens);
  CHECK(erased_result.prompt_tokens == typed_result.prompt_tokens);
  CHECK_FALSE(erased_text.empty());
  CHECK(erased_text == typed_text);
  CHECK(std::ranges::equal(erased.tokens(), typed.tokens()));
  CHECK(same_bits(erased.logits(), typed.logits()));

  const std::array<Token, 3> more = {1, 270, 5};
  for (const bool after_reset : {false, true}) {
    if (after_reset) {
      typed.reset();
      erased.reset();
      CHECK(erased.tokens().empty());
    }
    typed.append(more);
    erased.append(more);
    CHECK(same_bits(erased.logits(), typed.logits()));
  }
  CHECK_THROWS_AS(erased.append(std::vector<Token>(31, 1)), Error);
}

TEST_CASE(
    "a batch of a type-erased model says what that of the typed one says, beyond its context") {
  using M = Model<zoo::Mouse, F32>;
  const M typed = make_random_model<M>(3);
  constexpr std::size_t context = 2 * kv_page_positions + 10;
  const GenerateOptions options{.max_tokens = 200,
                                .logit_bias = {{1, -INFINITY}, {2, -INFINITY}},  // it never ends
                                .seed = 4,
                                .sinks = 3};
  const auto text_of = [&](auto model, auto pool) {
    std::string text;
    Batch batch(std::move(model), synthetic_tokenizer(), std::move(pool));
    batch.add({1, 270, 5}, context, options, [&](std::string_view piece) {
      text += piece;
      return true;
    });
    batch.run();
    return text;
  };
  constexpr std::size_t positions = 3 * kv_page_positions;
  const AnyModel any(typed);
  const std::string text = text_of(typed, std::make_shared<M::Pool>(positions));
  CHECK_FALSE(text.empty());
  CHECK(text_of(any, any.make_pool(positions)) == text);
}

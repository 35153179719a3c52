// Shapes and memory plans. Most of it is decided by the compiler.

#include <string>

#include "catch.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/model/model.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "llama2/shape/shape_info.hpp"
#include "llama2/shape/shapes.hpp"

using namespace llama2;

template <class S>
constexpr std::size_t parameters = Model<S, BF16>::memory.parameters();

// The published counts.
static_assert(parameters<Llama2_7B> == 6'738'415'616);
static_assert(parameters<Llama2_13B> == 13'015'864'320);
static_assert(parameters<Llama2_34B> == 33'743'970'304);
static_assert(parameters<Llama2_70B> == 68'976'648'192);
static_assert(parameters<TinyLlama_1_1B> == 1'100'048'384);
static_assert(parameters<CodeLlama_7B> == 6'738'546'688);
static_assert(parameters<Stories260K> == 260'032);
static_assert(parameters<Stories15M> == 15'191'712);
static_assert(parameters<Stories42M> == 41'689'600);
static_assert(parameters<Stories110M> == 109'529'856);

static_assert(Model<Llama2_7B, BF16>::memory.weights() ==
              2 * 6'738'415'616 + 2 * 65 * 4096);  // 65 norms of 4096 gains in 32 bits
static_assert(Model<Llama2_7B, F16>::memory.kv_cache(4096) == 2ull << 30);
static_assert(Model<Llama2_7B, F32>::memory.kv_cache(4096) == 4ull << 30);
static_assert(Model<Llama2_7B, F16>::memory.kv_cache_per_token() == 512 * 1024);
static_assert(Model<Llama2_7B, F16, Q8_0>::memory.kv_cache_per_token() == 272 * 1024);
static_assert(Model<Stories260K, F32, Q8_0>::memory.kv_cache_per_token() ==
              5 * 2 * 4 * (8 + 2));  // heads of 8 elements, a scale each
static_assert(Model<Llama2_70B, F16>::memory.kv_cache_per_token() == 320 * 1024);
static_assert(Model<Stories260K, F32>::memory.kv_cache(1) ==
              Model<Stories260K, F32>::memory.kv_page());
static_assert(Model<Stories260K, F32>::memory.total(512) ==
              Model<Stories260K, F32>::memory.weights() + 512 * 5 * 2 * 32 * 4 +
                  Model<Stories260K, F32>::memory.scratch() + 512 * 28 + 512 * 4);

static_assert(head_dim<Llama2_70B> == 128 && kv_dim<Llama2_70B> == 1024);
static_assert(!tied_head<Llama2_7B> && tied_head<Stories260K>);
static_assert(default_rope_theta<Llama2_7B> == 1e4f && default_rope_theta<CodeLlama_34B> == 1e6f);

struct Mine : Llama2_7B {
  static constexpr std::size_t layers = 16;
};
static_assert(ModelShape<Mine> && !ModelShape<int>);
static_assert(parameters<Mine> ==
              6'738'415'616 - 16ull * (4 * 4096 * 4096 + 3 * 4096 * 11008 + 2 * 4096));

TEST_CASE("a shape at run time has the same numbers, and says what differs") {
  const ShapeInfo info = ShapeInfo::of<Stories260K>();
  CHECK(info.same_tensors(ShapeInfo::of<Stories260K>()));
  ShapeInfo other = info;
  other.context = 7;
  CHECK(info.same_tensors(other));
  for (auto* field : {&other.dim, &other.hidden_dim, &other.layers, &other.heads, &other.kv_heads,
                      &other.vocab}) {
    ++*field;
    CHECK_FALSE(info.same_tensors(other));
    --*field;
  }
  other.tied_head = false;
  CHECK_FALSE(info.same_tensors(other));
  CHECK(info.head_dim() == 8);
  CHECK(info.kv_dim() == 32);
}

TEST_CASE("rules of shapes hold at run time, too") {
  const ShapeInfo good = ShapeInfo::of<Llama2_7B>();
  CHECK_NOTHROW(good.validate("f"));
  const auto refused = [&](auto change, const char* field) {
    ShapeInfo shape = good;
    change(shape);
    try {
      shape.validate("f");
      FAIL("not refused: " << field);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::malformed_file);
      CHECK(error.details().tensor == field);
      CHECK(error.details().file == "f");
    }
  };
  refused([](ShapeInfo& s) { s.dim = 0; }, "dim");
  refused([](ShapeInfo& s) { s.dim = std::uint64_t{1} << 21; }, "dim");
  refused([](ShapeInfo& s) { s.hidden_dim = 0; }, "hidden_dim");
  refused([](ShapeInfo& s) { s.layers = 0; }, "layers");
  refused([](ShapeInfo& s) { s.layers = 1025; }, "layers");
  refused([](ShapeInfo& s) { s.heads = 0; }, "heads");
  refused([](ShapeInfo& s) { s.kv_heads = 0; }, "kv_heads");
  refused([](ShapeInfo& s) { s.kv_heads = 64; }, "kv_heads");
  refused([](ShapeInfo& s) { s.vocab = 3; }, "vocab");
  refused([](ShapeInfo& s) { s.context = 0; }, "context");
  refused([](ShapeInfo& s) { s.heads = s.kv_heads = 3; }, "dim");
  refused([](ShapeInfo& s) { s.kv_heads = 5; }, "heads");
  refused([](ShapeInfo& s) { s.heads = s.kv_heads = 4096; }, "dim / heads");
}

TEST_CASE("a shape prints as code") {
  CHECK(ShapeInfo::of<Stories260K>().as_code("S") ==
        "struct S {\n  static constexpr std::size_t dim = 64, hidden_dim = 172, layers = 5, "
        "heads = 8, kv_heads = 4, vocab = 512, context = 512;\n"
        "  static constexpr bool tied_head = true;\n};");
  CHECK(Model<Mine, BF16>::name() == "Mine in BF16");
  CHECK(Model<Llama2_7B>::name() == "Llama2_7B in F32");
}

// A shape as numbers at run time: what a file says, to be compared with a type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "llama2/base/error.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The same numbers as a `ModelShape`, of any width, for files.
struct ShapeInfo {
  std::uint64_t dim = 0;
  std::uint64_t hidden_dim = 0;
  std::uint64_t layers = 0;
  std::uint64_t heads = 0;
  std::uint64_t kv_heads = 0;
  std::uint64_t vocab = 0;
  std::uint64_t context = 0;
  bool tied_head = false;

  template <ModelShape S>
  static constexpr ShapeInfo of() noexcept {
    return {S::dim,      S::hidden_dim, S::layers,  S::heads,
            S::kv_heads, S::vocab,      S::context, llama2::tied_head<S>};
  }

  /// Elements of one head; heads > 0.
  [[nodiscard]] constexpr std::uint64_t head_dim() const noexcept { return dim / heads; }

  /// Elements of all key (or value) heads; heads > 0.
  [[nodiscard]] constexpr std::uint64_t kv_dim() const noexcept { return kv_heads * head_dim(); }

  /// Calls f(name, number of this, number of other) for every field that decides the tensors'
  /// extents; `context` does not.
  template <class F>
  constexpr void compare(const ShapeInfo& other, F&& f) const {
    f("dim", dim, other.dim);
    f("hidden_dim", hidden_dim, other.hidden_dim);
    f("layers", layers, other.layers);
    f("heads", heads, other.heads);
    f("kv_heads", kv_heads, other.kv_heads);
    f("vocab", vocab, other.vocab);
    f("tied_head", std::uint64_t{tied_head}, std::uint64_t{other.tied_head});
  }

  /// Whether the tensors of both have the same extents.
  [[nodiscard]] constexpr bool same_tensors(const ShapeInfo& other) const {
    bool same = true;
    compare(other, [&](const char*, std::uint64_t a, std::uint64_t b) { same = same && a == b; });
    return same;
  }

  /// Throws `malformed_file` with the broken rule; the rules are those of `ModelShape`.
  void validate(const std::string& file) const {
    constexpr std::uint64_t wide = std::uint64_t{1} << 20;
    constexpr std::uint64_t many = std::uint64_t{1} << 24;
    const auto in_range = [&](const char* field, std::uint64_t value, std::uint64_t low,
                              std::uint64_t high) {
      if (value < low || value > high)
        throw Error(ErrorCode::malformed_file, "out of range",
                    {.file = file,
                     .tensor = field,
                     .expected = std::to_string(low) + " to " + std::to_string(high),
                     .found = std::to_string(value)});
    };
    in_range("dim", dim, 2, wide);
    in_range("hidden_dim", hidden_dim, 1, wide);
    in_range("layers", layers, 1, 1024);
    in_range("heads", heads, 1, dim);
    in_range("kv_heads", kv_heads, 1, heads);
    in_range("vocab", vocab, 4, many);
    in_range("context", context, 1, many);
    const auto divides = [&](const char* field, std::uint64_t value, std::uint64_t divisor,
                             const char* rule) {
      if (value % divisor != 0)
        throw Error(ErrorCode::malformed_file, rule,
                    {.file = file,
                     .tensor = field,
                     .expected = "a multiple of " + std::to_string(divisor),
                     .found = std::to_string(value)});
    };
    divides("dim", dim, heads, "every head has dim / heads elements");
    divides("heads", heads, kv_heads, "every key/value head serves heads / kv_heads query heads");
    in_range("dim / heads", head_dim(), 1, max_head_dim);
    divides("dim / heads", head_dim(), 2, "rotary embedding turns pairs of a head's elements");
  }

  /// The definition of a shape type with these numbers, ready to paste.
  [[nodiscard]] std::string as_code(std::string_view name) const {
    const auto number = [](std::uint64_t n) { return std::to_string(n); };
    return "struct " + std::string(name) +
           " {\n  static constexpr std::size_t dim = " + number(dim) +
           ", hidden_dim = " + number(hidden_dim) + ", layers = " + number(layers) +
           ", heads = " + number(heads) + ", kv_heads = " + number(kv_heads) +
           ", vocab = " + number(vocab) + ", context = " + number(context) + ";\n" +
           (tied_head ? "  static constexpr bool tied_head = true;\n" : "") + "};";
  }
};

}  // namespace llama2::inline LLAMA2_ABI

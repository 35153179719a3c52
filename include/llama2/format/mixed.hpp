// A model whose matrices are not all in one format.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "llama2/format/weight_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A list of formats from which each matrix of a model has one, chosen when it is loaded: the one
/// in which the file stores it, or the first if the list lacks that.
template <WeightFormat... Formats>
struct Mixed {
  static_assert(sizeof...(Formats) > 1, "llama2: one format is not mixed");
  static_assert(
      [] {
        const std::string_view names[] = {Formats::name...};
        for (std::size_t i = 0; i < sizeof...(Formats); ++i)
          for (std::size_t j = 0; j < i; ++j)
            if (names[i] == names[j]) return false;
        return true;
      }(),
      "llama2: a format is twice in the list of Mixed");

  /// Bytes of a row of `cols` weights in memory in the largest of the formats.
  static constexpr std::size_t max_row_bytes(std::size_t cols) noexcept {
    std::size_t most = 0;
    for (const std::size_t bytes : {memory_row_bytes<Formats>(cols)...})
      if (bytes > most) most = bytes;
    return most;
  }

 private:
  static constexpr auto characters = [] {
    std::array<char, (Formats::name.size() + ... +
                      (std::string_view("Mixed<>").size() + 2 * (sizeof...(Formats) - 1)))>
        text{};
    std::size_t size = 0;
    const auto append = [&](std::string_view part) {
      for (const char c : part) text[size++] = c;
    };
    std::string_view separator = "Mixed<";
    (..., (append(separator), append(Formats::name), separator = ", "));
    append(">");
    return text;
  }();

 public:
  /// "Mixed<Q4_0, F16>".
  static constexpr std::string_view name{characters.data(), characters.size()};
};

namespace detail {

template <class F>
struct FormatsOf;
template <WeightFormat F>
struct FormatsOf<F> {
  static constexpr decltype(auto) call(auto&& f) { return f.template operator()<F>(); }
};
template <WeightFormat... Fs>
struct FormatsOf<Mixed<Fs...>> {
  static constexpr decltype(auto) call(auto&& f) { return f.template operator()<Fs...>(); }
};

}  // namespace detail

/// In what the matrices of a model are: one weight format, or a `Mixed` list.
template <class F>
concept MatrixFormat = requires { sizeof(detail::FormatsOf<F>); };

/// Returns f.operator()<Formats...>() with the formats that a matrix may have.
template <MatrixFormat F, class Function>
constexpr decltype(auto) with_formats_of(Function&& f) {
  return detail::FormatsOf<F>::call(f);
}

}  // namespace llama2::inline LLAMA2_ABI

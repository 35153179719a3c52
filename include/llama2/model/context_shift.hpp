// Going on where the context is full: the middle of the past is forgotten.
//
// What attention reads of a past is its keys, rotated to their positions, and its values. So a part
// of it can be taken out: what follows moves down, and its keys are rotated back by as much. The
// first tokens stay, on which every later one puts much of its attention whatever they are; without
// these sinks the text falls apart (Xiao et al. 2023, arXiv:2309.17453). The tokens that stay are
// not evaluated again: they have been with the forgotten ones before them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "llama2/base/error.hpp"
#include "llama2/model/linear.hpp"
#include "llama2/model/model.hpp"
#include "llama2/shape/memory_plan.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How many positions a full context of `context` forgets after the first `sinks`: half of the
/// rest, in whole pages, but one at least. Throws `invalid_argument` if nothing would be left of
/// it.
inline std::size_t shifted_positions(std::size_t sinks, std::size_t context) {
  constexpr std::size_t page = kv_page_positions;
  if (sinks > context || context - sinks <= page)
    throw Error(
        ErrorCode::invalid_argument, "the context is too small to forget a part of it",
        {.tensor = "sinks",
         .expected = "a context of more than " + std::to_string(page) + " tokens after them",
         .found = std::to_string(sinks) + " of " + std::to_string(context)});
  return std::max(page, (context - sinks) / 2 / page * page);
}

/// Takes positions `begin` to `begin + count` out of a sequence's past. `count` is a multiple of
/// `kv_page_positions`: whole pages change their places, and keys are rotated where they lie. (In
/// 16 and 8 bits they are rounded once more.)
///
/// Throws `invalid_argument` for what is not in the past or no multiple, and `out_of_memory` if
/// pages are shared with a fork and the pool has none for copies; then nothing has changed.
template <class M>
void forget(const M& model, typename M::Sequence& sequence, std::size_t begin, std::size_t count) {
  using S = typename M::Shape;
  constexpr std::size_t page = kv_page_positions, size = head_dim<S>;
  if (count % page != 0 || begin > sequence.size() || count > sequence.size() - begin)
    throw Error(ErrorCode::invalid_argument, "positions that cannot be forgotten",
                {.expected = "multiples of " + std::to_string(page) + " in a past of " +
                             std::to_string(sequence.size()),
                 .found = std::to_string(count) + " from " + std::to_string(begin) + " on"});
  if (count == 0) return;
  const std::size_t first = (begin + count) / page;  // of the pages that move
  const std::size_t moved = ceil_div(sequence.size(), page) - first;
  float cosines[size], sines[size];
  model.rotation().fill_back(count, cosines, sines);
  sequence.own_pages(first);
  auto* const* const pages = sequence.pages();
  constexpr std::size_t heads = M::Pool::page_heads;
  const Compute compute{model.executor(), model.target()};
  parallel_for(compute, moved * heads, 4 * page * size, [&](auto kernels, std::size_t i) {
    auto& head = pages[first + i / heads][i % heads];
    kernels.rotate_keys(head, cosines, sines);
    if (i < heads) head.copy_positions(pages[begin / page][i], 0, begin % page);  // those before
  });
  sequence.remove_pages(begin / page, count / page);
}

}  // namespace llama2::inline LLAMA2_ABI

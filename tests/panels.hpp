// Products of plain rows of blocks, by way of panels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "llama2/format/panel.hpp"
#include "llama2/kernels/kernels.hpp"

namespace test {

/// Rows of blocks, one after the other, in panels; what fills the last panel up is damage that must
/// not show.
template <class F>
std::vector<llama2::PanelBlock<F>> in_panels(const typename F::Block* rows,
                                             const llama2::PanelLayout& layout, std::size_t cols) {
  using Panel = llama2::PanelBlock<F>;
  std::vector<Panel> panels(layout.blocks());
  std::memset(static_cast<void*>(panels.data()), 0xFF, panels.size() * sizeof panels[0]);
  const std::size_t blocks = llama2::row_blocks<F>(cols);
  for (std::size_t r = 0; r < layout.rows; ++r) {
    for (std::size_t b = blocks; b < layout.depth * Panel::row_blocks; ++b)  // columns: zeros
      llama2::put_row(panels.data(), layout, r, b, 1, std::vector<typename F::Block>(1).data());
    llama2::put_row(panels.data(), layout, r, 0, blocks, rows + r * blocks);
  }
  return panels;
}

/// y[t][r] = w[r] . x[t] for (tokens, cols) floats by the kernels of the compiled target.
template <class F>
void matmul(const std::vector<llama2::PanelBlock<F>>& panels, const llama2::PanelLayout& layout,
            std::size_t cols, const float* x, std::size_t tokens, float* y) {
  constexpr llama2::ActivationForm form = llama2::activation_form<F>;
  // An address that is not a multiple of the vector's size, and nothing readable behind it.
  const std::size_t row = llama2::activation_bytes(form, cols);
  std::vector<std::byte> memory(4 + llama2::activation_rows(tokens) * row);
  std::byte* const prepared = memory.data() + 4;
  if (tokens == 1)
    llama2::kernels::prepare<form, 1>(x, cols, 1, prepared);
  else
    for (std::size_t t = 0; t < tokens; t += llama2::tile_tokens)
      llama2::kernels::prepare<form, llama2::tile_tokens>(
          x + t * cols, cols, std::min(llama2::tile_tokens, tokens - t), prepared + t * row);
  for (std::size_t s = 0; s < layout.stripes(); ++s)
    llama2::kernels::matmul<F>(panels.data() + layout.begin_of(s), layout.panels_of(s),
                               layout.depth, layout.rows_of(s), prepared, tokens,
                               y + s * llama2::stripe_rows, layout.rows);
}

}  // namespace test

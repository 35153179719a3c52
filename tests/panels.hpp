// Products of plain rows of blocks, by way of panels.
#pragma once

#include <cstddef>
#include <vector>

#include "llama2/format/panel.hpp"
#include "llama2/kernels/kernels.hpp"

namespace test {

/// Rows of blocks, one after the other, in panels; what pads them is damage that must not show.
template <class F>
std::vector<llama2::PanelBlock<F>> in_panels(const typename F::Block* rows,
                                             const llama2::PanelLayout& layout) {
  std::vector<llama2::PanelBlock<F>> panels(layout.blocks());
  std::memset(static_cast<void*>(panels.data()), 0xFF, panels.size() * sizeof panels[0]);
  for (std::size_t r = 0; r < layout.rows; ++r)
    for (std::size_t b = 0; b < layout.row_blocks; ++b)
      panels[layout.index(r, b)].put(r % llama2::panel_rows, rows[r * layout.row_blocks + b]);
  return panels;
}

/// y[t][r] = w[r] . x[t] by the kernels of the compiled target, rows as many apart as there are.
template <class F>
void matmul(const std::vector<llama2::PanelBlock<F>>& panels, const llama2::PanelLayout& layout,
            std::size_t cols, const llama2::ActivationOf<F>* x, std::size_t tokens, float* y) {
  for (std::size_t s = 0; s < layout.stripes(); ++s)
    llama2::kernels::matmul<F>(panels.data() + layout.begin_of(s), layout.panels_of(s),
                               layout.rows_of(s), cols, x, tokens, y + s * llama2::stripe_rows,
                               layout.rows);
}

}  // namespace test

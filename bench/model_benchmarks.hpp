// Whole models with generated weights: a prompt, and a token after 128 others.
#pragma once

#include <functional>

namespace bench {

/// Forgets the generated model that there is, whatever its type.
inline std::function<void()> forget_model = [] {};

/// Registers the benchmarks of the models whose weights are in format F, on every processor target.
/// `large`: those of 7B, too, which take minutes and up to 14 GB.
template <class F>
void register_models_in(bool large);

}  // namespace bench

// Whole steps of training, as benchmarks.
#pragma once

#include "llama2/kernels/target.hpp"

namespace bench {

/// Registers BM_TrainForward, BM_TrainGradients (forward and backward), BM_TrainOptimiser and
/// BM_TrainStep (all) of a few shapes: "tiny/8x512" is a batch of 8 rows of 512 tokens.
void register_training_steps(llama2::Target target);

}  // namespace bench

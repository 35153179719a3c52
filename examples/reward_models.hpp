// Reward models from files, for programs that judge answers by them.
#pragma once

#include <string>

#include "llama2/eval/reward_judge.hpp"
#include "llama2/io/load.hpp"

namespace examples {

/// What a reward model finds of answers: one that `write_reward_model` wrote, of one of the shapes
/// of `ModelsIn<F32>`, with the vocabulary in it. Throws what loading throws, and `unsupported` for
/// a file without a vocabulary.
llama2::RewardFunction load_reward_function(const std::string& path,
                                            const llama2::LoadOptions& options);

}  // namespace examples

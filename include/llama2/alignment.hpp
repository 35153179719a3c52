// What alignment needs beyond training: link `llama2::training` beside `llama2::native`.
#pragma once

#include "llama2/align/answers.hpp"
#include "llama2/align/best_of.hpp"
#include "llama2/align/context_distillation.hpp"
#include "llama2/align/ghost_attention.hpp"
#include "llama2/align/pair_batches.hpp"
#include "llama2/align/policy_gradient.hpp"
#include "llama2/align/policy_model.hpp"
#include "llama2/align/ppo.hpp"
#include "llama2/align/ranking.hpp"
#include "llama2/align/rejection_sampling.hpp"
#include "llama2/align/reward.hpp"
#include "llama2/align/reward_model.hpp"
#include "llama2/align/text_batches.hpp"
#include "llama2/align/training_text.hpp"
#include "llama2/train/low_rank.hpp"
#include "llama2/training.hpp"

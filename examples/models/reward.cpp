#include "../reward_models.hpp"

#include <memory>
#include <type_traits>
#include <utility>

#include "../common.hpp"
#include "../models.hpp"
#include "llama2/align/reward_scorer.hpp"
#include "llama2/io/load_tokenizer.hpp"

namespace {

/// The same types, without output heads.
template <class... Models>
auto trunks_of(llama2::ModelList<Models...>)
    -> llama2::ModelList<llama2::Model<llama2::Trunk<typename Models::Shape>, llama2::F32>...>;
using Trunks = decltype(trunks_of(examples::ModelsIn<llama2::F32>()));

}  // namespace

llama2::RewardFunction examples::load_reward_function(const std::string& path,
                                                      const llama2::LoadOptions& options) {
  if (!holds_vocabulary(path))
    throw llama2::Error(llama2::ErrorCode::unsupported, "a reward model without a vocabulary",
                        {.file = path, .expected = "a GGUF file with one"});
  const llama2::Checkpoint checkpoint = llama2::open_reward_model(path, options);
  return llama2::visit_model_type<Trunks>(
      checkpoint, [&]<class M>(std::type_identity<M>) -> llama2::RewardFunction {
        const auto scorer = std::make_shared<const llama2::RewardScorer<M>>(
            llama2::make_reward_scorer<M>(checkpoint, options));
        return [scorer, tokenizer = llama2::load_tokenizer(path)](
                   std::span<const llama2::Message> dialogue, const std::string& answer) {
          return scorer->scores(tokenizer, dialogue, std::span(&answer, 1)).front();
        };
      });
}

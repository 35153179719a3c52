// The model types that the example programs are compiled for, and from a file to one of them.
//
// The types are instantiated once, in the files of the folder models/, and not in each program.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <type_traits>

#include "llama2/format/float_formats.hpp"
#include "llama2/format/quantised.hpp"
#include "llama2/registry/any_model.hpp"
#include "llama2/registry/model_list.hpp"
#include "llama2/shape/shapes.hpp"
#include "recipe/shape.hpp"

namespace examples {

template <class F, class... Shapes>
using InFormat = llama2::ModelList<llama2::Model<Shapes, F>...>;

/// The types whose weights are in format F, as the build's option LLAMA2_EXAMPLE_MODELS says.
/// (Llama2_34B is missing: its tensors are those of CodeLlama_34B, so a file cannot tell them
/// apart, and only the latter has been published.)
#if defined(LLAMA2_EXAMPLE_MODELS_ALL)
template <class F>
using ModelsIn = InFormat<F, recipe::Storyteller, llama2::Stories260K, llama2::Stories15M,
                          llama2::Stories42M, llama2::Stories110M, llama2::TinyLlama_1_1B,
                          llama2::Llama2_7B, llama2::Llama2_13B, llama2::Llama2_70B,
                          llama2::CodeLlama_7B, llama2::CodeLlama_13B, llama2::CodeLlama_34B>;
#elif defined(LLAMA2_EXAMPLE_MODELS_SMALLEST)
template <class F>
using ModelsIn = InFormat<F, recipe::Storyteller, llama2::Stories260K>;
#else
// Checkpoints of the small stories come in F32; other formats of them are converted at load.
template <class F>
using ModelsIn = std::conditional_t<
    std::is_same_v<F, llama2::F32>,
    InFormat<F, recipe::Storyteller, llama2::Stories260K, llama2::Stories15M, llama2::Stories42M,
             llama2::Stories110M, llama2::TinyLlama_1_1B, llama2::Llama2_7B>,
    InFormat<F, recipe::Storyteller, llama2::Stories260K, llama2::TinyLlama_1_1B,
             llama2::Llama2_7B>>;
#endif

namespace detail {

template <class... Lists>
struct Join;
template <class List>
struct Join<List> {
  using Type = List;
};
template <class... A, class... B, class... More>
struct Join<llama2::ModelList<A...>, llama2::ModelList<B...>, More...>
    : Join<llama2::ModelList<A..., B...>, More...> {};

}  // namespace detail

/// All of them. What a file stores in a format that no type has, such as llama2.c's 8-bit groups,
/// goes to the first type of its shape.
using Models = detail::Join<ModelsIn<llama2::BF16>, ModelsIn<llama2::F32>, ModelsIn<llama2::F16>,
                            ModelsIn<llama2::Q8_0>, ModelsIn<llama2::Q4_0>>::Type;

/// `--weights FORMAT`, as `load_model` takes it.
inline void add_weights_option(CLI::App& app, std::string& name) {
  app.add_option("--weights", name,
                 "format of the weights in memory; by default the file's own, where this program "
                 "has the file's shape in it")
      ->transform(CLI::IsMember({"F32", "F16", "BF16", "Q8_0", "Q4_0"}, CLI::ignore_case));
}

/// Loads a checkpoint into the type of `Models` that fits it, see `llama2::load_any`, or the one
/// whose weights are in the format of the name. Shows progress where that takes long.
llama2::AnyModel load_model(const std::string& path, const std::string& weights = {},
                            llama2::LoadOptions options = {});

/// Makes an opened checkpoint a model of `ModelsIn<F>`; each format has a file that instantiates
/// it.
template <class F>
llama2::AnyModel load_model_in(const llama2::Checkpoint& checkpoint,
                               const llama2::LoadOptions& options);

}  // namespace examples

// Shows what a checkpoint holds and what it would need in memory.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <string>
#include <type_traits>

#include "common.hpp"
#include "models.hpp"
#include "target_options.hpp"

namespace {

void print_row(const std::string& name, const std::string& value) {
  std::printf("  %-22s %s\n", name.c_str(), value.c_str());
}

std::string mebibytes(std::size_t bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%zu bytes (%.2f MiB)", bytes,
                static_cast<double>(bytes) / (1024.0 * 1024.0));
  return text;
}

std::string scaling_text(const llama2::RopeScaling& scaling) {
  std::string text(to_string(scaling.kind));
  if (scaling.kind == llama2::RopeScalingKind::none) return text;
  text += " by " + llama2::number_text(scaling.factor);
  if (scaling.original_context != 0)
    text += " from a context of " + std::to_string(scaling.original_context);
  if (scaling.finetuned) text += ", finetuned";
  return text;
}

void print_plan(const llama2::Checkpoint& checkpoint, std::size_t context) {
  try {
    llama2::visit_model_type<examples::Models>(checkpoint, [&]<class M>(std::type_identity<M>) {
      constexpr auto& plan = M::memory;
      std::printf("memory plan of %s, one session of %zu tokens\n", M::name().c_str(), context);
      print_row("weights", mebibytes(plan.weights()));
      print_row("key/value cache", mebibytes(plan.kv_cache(context)));
      print_row("  per token", mebibytes(plan.kv_cache_per_token()));
      print_row("scratch", mebibytes(plan.scratch()));
      print_row("total", mebibytes(plan.total(context)));
    });
  } catch (const llama2::Error& error) {
    if (error.code() != llama2::ErrorCode::unsupported) throw;
    std::printf("no memory plan: %s\n", error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Shows a checkpoint's metadata, its tensors and its memory plan."};
  std::string path;
  std::size_t context = 0;
  app.add_option("MODEL", path, "checkpoint: a llama2.c .bin or a GGUF file")->required();
  app.add_option("--context", context, "tokens to plan memory for; 0: the model's own")
      ->capture_default_str()
      ->check(examples::whole_number);
  examples::add_list_targets(app);

  return examples::run(app, argc, argv, [&] {
    llama2::require_option(context <= llama2::max_context, "--context",
                           static_cast<double>(context), "at most 2^24 tokens");
    const llama2::Checkpoint checkpoint = llama2::open_checkpoint(path);
    const llama2::ShapeInfo& shape = checkpoint.shape;
    std::size_t parameters = 0;
    for (const auto& tensor : checkpoint.tensors) parameters += tensor.elements();

    std::printf("%s\n", path.c_str());
    print_row("format", checkpoint.format);
    std::size_t bytes = checkpoint.file->bytes().size();
    for (const auto& part : checkpoint.further_parts) bytes += part->bytes().size();
    print_row("file size", mebibytes(bytes));
    if (!checkpoint.further_parts.empty())
      print_row("parts", std::to_string(checkpoint.further_parts.size() + 1));
    print_row("parameters", std::to_string(parameters));
    print_row("dim", std::to_string(shape.dim));
    print_row("hidden_dim", std::to_string(shape.hidden_dim));
    print_row("layers", std::to_string(shape.layers));
    print_row("heads", std::to_string(shape.heads));
    print_row("kv_heads", std::to_string(shape.kv_heads));
    print_row("vocab", std::to_string(shape.vocab));
    print_row("context", std::to_string(shape.context));
    print_row("output head", shape.tied_head ? "tied to the embedding" : "its own");
    print_row("norm_epsilon", llama2::number_text(checkpoint.config.norm_epsilon));
    print_row("rope_theta", checkpoint.states_rope_theta
                                ? llama2::number_text(checkpoint.config.rope_theta)
                                : "not stated: the shape's");
    print_row("rope_scaling", scaling_text(checkpoint.config.rope_scaling));

    std::printf("tensors: %zu\n", checkpoint.tensors.size());
    const bool packed = std::ranges::any_of(checkpoint.tensors, &llama2::StoredTensor::in_panels);
    for (const auto& tensor : checkpoint.tensors) {
      std::printf("  %-34s %8zu x %-8zu %-5s", to_string(tensor.id).c_str(),
                  static_cast<std::size_t>(tensor.rows), static_cast<std::size_t>(tensor.cols),
                  std::string(to_string(tensor.encoding)).c_str());
      if (packed) std::printf(" %-9s", tensor.in_panels ? "in panels" : "");
      if (!checkpoint.further_parts.empty()) std::printf(" part %2zu", tensor.part + 1);
      std::printf(" offset %12zu  %12zu bytes\n", static_cast<std::size_t>(tensor.offset),
                  static_cast<std::size_t>(tensor.bytes));
    }
    print_plan(checkpoint, context != 0 ? context : checkpoint.config.context);
    if (std::fflush(stdout) != 0)
      throw llama2::Error(llama2::ErrorCode::io, "cannot write to standard output");
  });
}

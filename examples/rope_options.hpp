// Taking a model beyond its context, on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "llama2/model/rope_scaling.hpp"

namespace examples {

/// `--rope-scaling KIND` and `--rope-factor F`, put into `scaling`, which stays empty without them.
inline void add_rope_options(CLI::App& app, std::optional<llama2::RopeScaling>& scaling) {
  using enum llama2::RopeScalingKind;
  auto* const kind = app.add_option_function<std::string>(
      "--rope-scaling",
      [&scaling](const std::string& name) {
        if (!scaling) scaling.emplace();
        for (const auto each : {none, linear, ntk, yarn})
          if (to_string(each) == name) scaling->kind = each;
      },
      "how to go beyond the context that the model was made for, in place of what the file says");
  kind->check(CLI::IsMember({"none", "linear", "ntk", "yarn"}));
  auto* const factor = app.add_option_function<float>(
      "--rope-factor",
      [&scaling](float value) {
        if (!scaling) scaling.emplace();
        scaling->factor = value;
      },
      "by how much: the context, unless --context says another, is so many times as long");
  factor->needs(kind);
  app.parse_complete_callback([&scaling, factor] {
    if (scaling && scaling->kind != none && factor->count() == 0)
      throw CLI::RequiresError("--rope-scaling", "--rope-factor");
  });
}

}  // namespace examples

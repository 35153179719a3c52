// The processor targets of a program, on its command line.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <string>

#include "llama2/kernels/target.hpp"

namespace examples {

/// `--list-targets`: ends the program after printing, one a line and the best first, the targets
/// that it holds and this processor can run.
inline void add_list_targets(CLI::App& app) {
  app.add_flag_callback(
      "--list-targets",
      [] {
        for (const llama2::Target target : llama2::Target::all())
          std::cout << target.name() << '\n';
        throw CLI::Success();
      },
      "print the processor targets that this program can use here, the best first");
}

/// `--list-targets` and `--target NAME`, which is put into `name`.
inline void add_target_options(CLI::App& app, std::string& name) {
  app.add_option("--target", name,
                 "processor target, such as AVX2; by default the best that this program holds");
  add_list_targets(app);
}

/// The target of that name, or none if the name is empty. Throws `invalid_argument` if the program
/// cannot use it here.
inline std::optional<llama2::Target> target_named(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return llama2::Target::named(name);
}

}  // namespace examples

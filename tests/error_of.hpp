// The errors that calls throw.
#pragma once

#include <functional>
#include <optional>

#include "llama2/base/error.hpp"

namespace test {

/// The error that f throws; none if it throws none. Anything else passes through.
inline std::optional<llama2::Error> error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const llama2::Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace test

// Long work, watched: who may end it, and who learns how far it is.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How far work is: what is done, and of how much. What it throws ends the work.
using OnProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// A caller's hold on long work.
struct Watch {
  std::stop_token cancel = {};  ///< once asked to stop, the work ends early, with `cancelled`
  OnProgress on_progress = {};
};

/// Throws `cancelled` if that has been asked for.
inline void throw_if_cancelled(const std::stop_token& cancel) {
  if (cancel.stop_requested()) throw Error(ErrorCode::cancelled, "ended early, as asked");
}

}  // namespace llama2::inline LLAMA2_ABI

// Ending a text before a string, without ever showing a part of that string.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/text/utf8.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Lets text through up to one of some strings, and keeps back what may be the beginning of
/// one until more text decides. Not for several threads at once.
class StopStrings {
 public:
  /// Throws `invalid_argument` if one is empty or no valid UTF-8: such could never be met by whole
  /// characters. `most` is the most bytes that one `push` will bring; up to that nothing is
  /// allocated later.
  explicit StopStrings(std::vector<std::string> stops = {}, std::size_t most = 0)
      : stops_(std::move(stops)) {
    std::size_t longest = 0;
    for (const std::string& stop : stops_) {
      if (stop.empty()) throw Error(ErrorCode::invalid_argument, "an empty stop string");
      if (!is_valid_utf8(stop))
        throw Error(ErrorCode::invalid_argument, "a stop string is not valid UTF-8");
      longest = std::max(longest, stop.size());
    }
    text_.reserve(longest + most);
  }

  /// Takes more text and returns what can be shown; the view holds until the next call. Nothing is
  /// shown after a stop.
  std::string_view push(std::string_view text) {
    if (stops_.empty()) return text;
    text_.erase(0, shown_);
    shown_ = 0;
    if (stopped_) return {};
    text_ += text;
    // The one that is complete first counts, however the text comes in pieces; of several the
    // longest.
    std::size_t begin = text_.size(), complete = text_.size() + 1, kept = 0;
    for (const std::string& stop : stops_) {
      if (const std::size_t found = text_.find(stop); found != std::string::npos) {
        const std::size_t end = found + stop.size();
        if (end < complete || (end == complete && found < begin)) begin = found, complete = end;
        stopped_ = true;
      }
      kept = std::max(kept, beginning_at_end(stop));
    }
    shown_ = stopped_ ? begin : text_.size() - kept;
    return std::string_view(text_).substr(0, shown_);
  }

  /// No more text will come: returns what was kept back.
  std::string_view flush() {
    text_.erase(0, shown_);
    shown_ = text_.size();
    return stopped_ ? std::string_view() : std::string_view(text_);
  }

  /// Whether one of the strings has come.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

 private:
  /// Bytes at the end of the text that begin `stop`, but are not all of it.
  [[nodiscard]] std::size_t beginning_at_end(std::string_view stop) const noexcept {
    for (std::size_t n = std::min(stop.size() - 1, text_.size()); n > 0; --n)
      if (text_.ends_with(stop.substr(0, n))) return n;
    return 0;
  }

  std::vector<std::string> stops_;
  std::string text_;       // not yet shown, after what was shown last
  std::size_t shown_ = 0;  // bytes of it that the last call showed
  bool stopped_ = false;
};

}  // namespace llama2::inline LLAMA2_ABI

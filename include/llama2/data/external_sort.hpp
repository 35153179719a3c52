// Sorting more records than memory holds: sorted runs on the disk, then one merge.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "llama2/base/spill_buffer.hpp"
#include "llama2/parallel/executor.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Takes records in any order and gives them back ascending by `<`. Records that are equal must be
/// the same bytes: then the result depends on neither the memory limit nor the threads.
template <class Record>
class ExternalSorter {
  static_assert(std::is_trivially_copyable_v<Record>);

 public:
  /// Holds up to `memory_limit` bytes of records; more go to a temporary file in `folder`.
  ExternalSorter(std::string folder, std::size_t memory_limit, SharedExecutor executor)
      : capacity_(std::max<std::size_t>(memory_limit / sizeof(Record), 1)),
        executor_(std::move(executor)),
        runs_(std::move(folder), 0) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return spilled_ + records_.size(); }

  /// Throws `io` when the disk is full.
  void add(const Record& record) {
    if (records_.size() == capacity_) spill();
    // By our own growth: a vector that doubles would hold three times its records at the end.
    if (records_.size() == records_.capacity())
      records_.reserve(std::min(capacity_, std::max<std::size_t>(1024, 2 * records_.size())));
    records_.push_back(record);
  }

  /// Calls f(record) for each record in order. To be called once, last. Throws `io`.
  template <class F>
  void for_each(F&& f) {
    const std::vector<std::size_t> bounds = sort_slices();
    if (run_begins_.empty() && bounds.size() == 2) {
      for (const Record& record : records_) f(record);
      return;
    }
    if (!run_begins_.empty()) {  // so that the merge has the memory
      spill_slices(bounds);
      records_ = {};
    }
    merge(bounds, f);
  }

 private:
  static constexpr std::size_t max_slices = 16;

  /// One sorted sequence of the merge, read through a window.
  struct Run {
    std::uint64_t next = 0, end = 0;  // of the records on the disk
    std::span<const Record> window{};
    std::size_t at = 0;
    std::vector<Record> storage{};  // of the window, unless that is in `records_`
  };

  /// Sorts the records in memory as a few slices, one a thread; where they begin, and the end.
  std::vector<std::size_t> sort_slices() {
    const std::size_t slices = std::clamp<std::size_t>(
        std::min(executor_.concurrency(), records_.size() / 4096), 1, max_slices);
    std::vector<std::size_t> bounds;
    for (std::size_t i = 0; i <= slices; ++i) bounds.push_back(records_.size() * i / slices);
    const auto place = [&](std::size_t i) {
      return records_.begin() + static_cast<std::ptrdiff_t>(bounds[i]);
    };
    executor_.run(slices, [&](std::size_t i) { std::sort(place(i), place(i + 1)); });
    return bounds;
  }

  void spill_slices(const std::vector<std::size_t>& bounds) {
    for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
      if (bounds[i] == bounds[i + 1]) continue;
      run_begins_.push_back(spilled_);
      runs_.append(
          std::as_bytes(std::span(records_).subspan(bounds[i], bounds[i + 1] - bounds[i])));
      spilled_ += bounds[i + 1] - bounds[i];
    }
    records_.clear();
  }

  void spill() { spill_slices(sort_slices()); }

  /// Reads a run's next records; false at its end.
  bool refill(Run& run, std::size_t window) const {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(window, run.end - run.next));
    if (count == 0) return false;
    run.storage.resize(count);
    runs_.read(run.next * sizeof(Record), std::as_writable_bytes(std::span(run.storage)));
    run.window = run.storage;
    run.at = 0;
    run.next += count;
    return true;
  }

  template <class F>
  void merge(const std::vector<std::size_t>& bounds, F& f) {
    std::vector<Run> runs;
    if (run_begins_.empty()) {
      for (std::size_t i = 0; i + 1 < bounds.size(); ++i)
        runs.push_back({.window = std::span<const Record>(records_).subspan(
                            bounds[i], bounds[i + 1] - bounds[i])});
    } else {
      for (std::size_t i = 0; i < run_begins_.size(); ++i)
        runs.push_back({.next = run_begins_[i],
                        .end = i + 1 < run_begins_.size() ? run_begins_[i + 1] : spilled_});
    }
    const std::size_t window = std::max<std::size_t>(capacity_ / runs.size(), 256);
    const auto later = [&](std::size_t a, std::size_t b) {
      return runs[b].window[runs[b].at] < runs[a].window[runs[a].at];
    };
    std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> first(later);
    for (std::size_t i = 0; i < runs.size(); ++i)
      if (!runs[i].window.empty() || refill(runs[i], window)) first.push(i);
    while (!first.empty()) {
      const std::size_t i = first.top();
      first.pop();
      Run& run = runs[i];
      f(run.window[run.at]);
      if (++run.at < run.window.size() || refill(run, window)) first.push(i);
    }
  }

  std::size_t capacity_;
  SharedExecutor executor_;
  SpillBuffer runs_;
  std::vector<std::uint64_t> run_begins_;  // in records
  std::uint64_t spilled_ = 0;
  std::vector<Record> records_;
};

}  // namespace llama2::inline LLAMA2_ABI

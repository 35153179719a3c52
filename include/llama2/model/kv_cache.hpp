// Keys and values of the past, in pages.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/token.hpp"
#include "llama2/format/kv_format.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "llama2/shape/model_shape.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The memory of key/value pages, reserved once and shared by any number of sequences. All
/// members may be called from several threads.
///
/// A page holds `kv_page_positions` positions: an array of `KvHead`s, (layers, kv_heads). Sequences
/// that begin alike may hold the same page: the pool counts its holders.
template <ModelShape S, KvFormat K>
class KvPool {
 public:
  using Head = KvHead<K, head_dim<S>, kv_page_positions>;

  static constexpr std::size_t page_heads = S::layers * S::kv_heads;
  static_assert(page_heads * sizeof(Head) == MemoryPlan<S, K, K>::kv_page());

  /// Reserves room for `positions` tokens, rounded up to whole pages. Memory is committed by the
  /// system when a page is first written. Throws `out_of_memory`.
  explicit KvPool(std::size_t positions)
      : pages_(ceil_div(positions, kv_page_positions)), buffer_(heads(pages_)), holders_(pages_) {
    free_.reserve(pages_);
    for (std::size_t i = pages_; i-- > 0;) free_.push_back(buffer_.data() + i * page_heads);
  }

  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  /// Pages in the pool, in use or not.
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

  [[nodiscard]] std::size_t free_pages() const {
    const std::scoped_lock lock(mutex_);
    return free_.size();
  }

  /// Takes a page for each element of `pages`, or throws `out_of_memory` and takes none.
  void acquire(std::span<Head*> pages) {
    const std::scoped_lock lock(mutex_);
    if (pages.size() > free_.size())
      throw Error(ErrorCode::out_of_memory, "the key/value pool has too few free pages",
                  {.expected = std::to_string(pages.size()) + " pages of " +
                               std::to_string(kv_page_positions) + " positions",
                   .found = std::to_string(free_.size()) + " of " + std::to_string(pages_)});
    for (Head*& page : pages) {
      page = free_.back();
      free_.pop_back();
      holders_of(page).store(1, std::memory_order_relaxed);
    }
  }

  /// Counts one more holder of each page.
  void share(std::span<Head* const> pages) noexcept {
    for (Head* const page : pages) holders_of(page).fetch_add(1, std::memory_order_relaxed);
  }

  /// Whether somebody else holds the page, too; nobody but a holder may ask.
  [[nodiscard]] bool is_shared(const Head* page) const noexcept {
    // A holder that gave it up has read what it wanted before.
    return holders_of(page).load(std::memory_order_acquire) != 1;
  }

  /// Counts one holder of each page less; those that nobody holds are free again.
  void release(std::span<Head* const> pages) noexcept {
    const std::scoped_lock lock(mutex_);
    for (Head* const page : pages)
      if (holders_of(page).fetch_sub(1, std::memory_order_acq_rel) == 1)
        free_.push_back(page);  // within the reserved capacity
  }

 private:
  [[nodiscard]] std::atomic<std::uint32_t>& holders_of(const Head* page) noexcept {
    return holders_[static_cast<std::size_t>(page - buffer_.data()) / page_heads];
  }
  [[nodiscard]] const std::atomic<std::uint32_t>& holders_of(const Head* page) const noexcept {
    return holders_[static_cast<std::size_t>(page - buffer_.data()) / page_heads];
  }

  static std::size_t heads(std::size_t pages) {
    if (pages > (std::size_t{1} << 46) / (page_heads * sizeof(Head)))
      throw Error(ErrorCode::out_of_memory,
                  "a key/value pool of " + std::to_string(pages) + " pages is out of reach");
    return pages * page_heads;
  }

  std::size_t pages_;
  AlignedBuffer<Head> buffer_;
  std::vector<std::atomic<std::uint32_t>> holders_;  // of each page
  mutable std::mutex mutex_;
  std::vector<Head*> free_;
};

/// The cached past of one text: its pages, all taken up front, and how many positions are filled.
/// For one thread at a time; its forks are for others.
template <ModelShape S, KvFormat K>
class KvSequence {
 public:
  using Pool = KvPool<S, K>;
  using Head = typename Pool::Head;

  /// Takes pages for `capacity` positions. Throws `out_of_memory` if the pool has too few.
  KvSequence(std::shared_ptr<Pool> pool, std::size_t capacity)
      : pool_(std::move(pool)), capacity_(capacity) {
    if (pool_ == nullptr) throw Error(ErrorCode::invalid_argument, "the key/value pool is null");
    require_room(*pool_, capacity);
    std::vector<Head*> pages(ceil_div(capacity, kv_page_positions));
    pool_->acquire(pages);
    pages_ = std::move(pages);
  }

  KvSequence(KvSequence&& other) noexcept { swap(other); }
  KvSequence& operator=(KvSequence&& other) noexcept {
    swap(other);
    return *this;
  }
  ~KvSequence() {
    if (pool_ != nullptr) pool_->release(pages_);
  }

  /// Positions filled so far; the next row of this sequence has this position.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// Forgets all positions from `size` on; no effect if there are fewer. What is written next may
  /// need a page, if the one to be written is a fork's, too.
  void truncate(std::size_t size) noexcept { size_ = std::min(size_, size); }

  /// A sequence with the same past, which both may continue: whole pages of it are shared, a part
  /// of one is copied. Takes pages for the rest of `capacity` positions, at least `size()`. Throws
  /// `out_of_memory` if the pool has too few.
  [[nodiscard]] KvSequence fork(std::size_t capacity) const {
    if (capacity < size_)
      throw Error(ErrorCode::invalid_argument, "a fork with no room for its past",
                  {.expected = "at least " + std::to_string(size_) + " positions",
                   .found = std::to_string(capacity)});
    require_room(*pool_, capacity);
    const std::size_t whole = size_ / kv_page_positions;
    std::vector<Head*> pages(ceil_div(capacity, kv_page_positions));
    pool_->acquire(std::span(pages).subspan(whole));
    std::copy_n(pages_.begin(), whole, pages.begin());
    pool_->share(std::span(pages).first(whole));
    if (size_ % kv_page_positions != 0) copy_page(pages_[whole], pages[whole]);
    KvSequence copy;
    copy.pool_ = pool_;
    copy.pages_ = std::move(pages);
    copy.capacity_ = capacity;
    copy.size_ = size_;
    return copy;
  }

  /// For the model: makes sure that nobody else sees what is written at position `size()`, which is
  /// below the capacity. Throws `out_of_memory` if that takes a page and the pool has none.
  void prepare_next() {
    Head*& page = pages_[size_ / kv_page_positions];
    if (!pool_->is_shared(page)) return;
    Head* own = nullptr;
    pool_->acquire({&own, 1});
    if (size_ % kv_page_positions != 0) copy_page(page, own);
    pool_->release({&page, 1});
    page = own;
  }

  /// For `forget`: makes sure that nobody else sees the pages from number `first` on that hold a
  /// part of the past. Throws `out_of_memory` if the pool has too few for copies, and has then
  /// changed nothing.
  void own_pages(std::size_t first) {
    const std::size_t filled = ceil_div(size_, kv_page_positions);
    std::vector<Head*> own;
    for (std::size_t p = first; p < filled; ++p)
      if (pool_->is_shared(pages_[p])) own.push_back(nullptr);
    if (own.empty()) return;
    pool_->acquire(own);
    for (std::size_t p = first, next = 0; p < filled && next < own.size(); ++p) {
      if (!pool_->is_shared(pages_[p])) continue;
      copy_page(pages_[p], own[next]);
      std::swap(pages_[p], own[next++]);
    }
    pool_->release(own);
  }

  /// For `forget`: takes pages out of the past; they lie ready for what comes.
  void remove_pages(std::size_t first, std::size_t count) noexcept {
    const auto at = pages_.begin() + static_cast<std::ptrdiff_t>(first);
    std::rotate(at, at + static_cast<std::ptrdiff_t>(count), pages_.end());
    size_ -= count * kv_page_positions;
  }

  /// For the model's layers: the pages in order of position.
  [[nodiscard]] Head* const* pages() const noexcept { return pages_.data(); }

  /// For the model: `count` more positions have been written.
  void advance(std::size_t count) noexcept { size_ += count; }

 private:
  KvSequence() = default;

  /// No allocation is made for what the whole pool could not hold.
  static void require_room(const Pool& pool, std::size_t capacity) {
    if (ceil_div(capacity, kv_page_positions) > pool.pages())
      throw Error(
          ErrorCode::out_of_memory, "the key/value pool is too small for the sequence",
          {.expected = "at most " + std::to_string(pool.pages() * kv_page_positions) + " positions",
           .found = std::to_string(capacity)});
  }

  static void copy_page(const Head* from, Head* to) noexcept {
    std::memcpy(static_cast<void*>(to), from, Pool::page_heads * sizeof(Head));
  }

  void swap(KvSequence& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(pages_, other.pages_);
    std::swap(capacity_, other.capacity_);
    std::swap(size_, other.size_);
  }

  std::shared_ptr<Pool> pool_;
  std::vector<Head*> pages_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

/// One input of a forward pass: a token at a position of a sequence.
template <ModelShape S, KvFormat K>
struct SequenceRow {
  Token token;
  std::size_t position;  ///< the sequence's size plus its earlier rows in this pass
  KvSequence<S, K>* sequence;
  bool wants_logits = false;  ///< whether a row of logits is produced
};

}  // namespace llama2::inline LLAMA2_ABI

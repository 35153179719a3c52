// Large zeroed memory, aligned for vectors and on huge pages where the system grants them.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "llama2/base/checked.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/os.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Owns `size()` elements of a trivial type, zeroed, aligned to a page. Pages are committed by the
/// system when first touched, so reserving a long context costs nothing until it is used.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  AlignedBuffer() noexcept = default;

  /// Throws `out_of_memory` with the number of bytes asked for.
  explicit AlignedBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    if (size > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) fail(size);
    bytes_ = size * sizeof(T);
#if defined(LLAMA2_DETAIL_ASAN)
    if (bytes_ > std::size_t{1} << 40) fail(size);
    void* p = ::operator new(bytes_, std::align_val_t(page), std::nothrow);
    if (p == nullptr) fail(size);
    std::memset(p, 0, bytes_);
#else
    void* p = os::allocate(bytes_);
    if (p == nullptr) fail(size);
#endif
    data_ = static_cast<T*>(p);
  }

  AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~AlignedBuffer() {
    if (data_ == nullptr) return;
#if defined(LLAMA2_DETAIL_ASAN)
    ::operator delete(data_, std::align_val_t(page));
#else
    os::release(data_, bytes_);
#endif
  }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return data_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  [[nodiscard]] T* begin() noexcept { return data_; }
  [[nodiscard]] T* end() noexcept { return data_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data_; }
  [[nodiscard]] const T* end() const noexcept { return data_ + size_; }

 private:
  static constexpr std::size_t page = 4096;

  [[noreturn]] static void fail(std::size_t size) {
    throw Error(ErrorCode::out_of_memory, "cannot reserve " + std::to_string(size) +
                                              " elements of " + std::to_string(sizeof(T)) +
                                              " bytes");
  }

  void swap(AlignedBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI

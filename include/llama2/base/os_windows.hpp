// Memory and files of Windows; see base/os.hpp. Paths are UTF-8.
//
// <windows.h> is not included: who includes this library shall get none of its macros, and may
// include it with settings of their own. What is used is declared here just as it is there.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "llama2/base/config.hpp"

extern "C" {
struct _SECURITY_ATTRIBUTES;
struct _OVERLAPPED;
struct _WIN32_MEMORY_RANGE_ENTRY;
union _LARGE_INTEGER;
}

namespace llama2::inline LLAMA2_ABI::os {
namespace native {

extern "C" {
__declspec(dllimport) unsigned long __stdcall GetLastError();
__declspec(dllimport) unsigned long __stdcall GetCurrentProcessId();
__declspec(dllimport) void* __stdcall GetCurrentProcess();
__declspec(dllimport) int __stdcall MultiByteToWideChar(unsigned int, unsigned long, const char*,
                                                        int, wchar_t*, int);
__declspec(dllimport) void* __stdcall VirtualAlloc(void*, std::size_t, unsigned long,
                                                   unsigned long);
__declspec(dllimport) int __stdcall VirtualFree(void*, std::size_t, unsigned long);
__declspec(dllimport) int __stdcall VirtualUnlock(void*, std::size_t);
__declspec(dllimport) int __stdcall PrefetchVirtualMemory(void*, std::size_t,
                                                          _WIN32_MEMORY_RANGE_ENTRY*,
                                                          unsigned long);
__declspec(dllimport) void* __stdcall CreateFileW(const wchar_t*, unsigned long, unsigned long,
                                                  _SECURITY_ATTRIBUTES*, unsigned long,
                                                  unsigned long, void*);
__declspec(dllimport) unsigned long __stdcall GetFileType(void*);
__declspec(dllimport) int __stdcall GetFileSizeEx(void*, _LARGE_INTEGER*);
__declspec(dllimport) int __stdcall ReadFile(void*, void*, unsigned long, unsigned long*,
                                             _OVERLAPPED*);
__declspec(dllimport) int __stdcall WriteFile(void*, const void*, unsigned long, unsigned long*,
                                              _OVERLAPPED*);
__declspec(dllimport) int __stdcall FlushFileBuffers(void*);
__declspec(dllimport) int __stdcall CloseHandle(void*);
__declspec(dllimport) void* __stdcall CreateFileMappingW(void*, _SECURITY_ATTRIBUTES*,
                                                         unsigned long, unsigned long,
                                                         unsigned long, const wchar_t*);
__declspec(dllimport) void* __stdcall MapViewOfFile(void*, unsigned long, unsigned long,
                                                    unsigned long, std::size_t);
__declspec(dllimport) int __stdcall UnmapViewOfFile(const void*);
__declspec(dllimport) int __stdcall MoveFileExW(const wchar_t*, const wchar_t*, unsigned long);
__declspec(dllimport) int __stdcall DeleteFileW(const wchar_t*);
}

// The constants, by their names in <windows.h>.
inline constexpr unsigned int cp_utf8 = 65001;
inline constexpr unsigned long mb_err_invalid_chars = 0x8, mem_commit_and_reserve = 0x3000,
                               mem_release = 0x8000, page_readonly = 0x02, page_readwrite = 0x04,
                               generic_read = 0x80000000, generic_write = 0x40000000,
                               file_share_read_and_delete = 0x5, file_share_all = 0x7,
                               create_new = 1, open_existing = 3, file_attribute_normal = 0x80,
                               file_attribute_temporary = 0x100,
                               file_flag_delete_on_close = 0x04000000, file_type_disk = 1,
                               file_map_read = 0x4, error_file_exists = 80,
                               movefile_replace_existing_and_write_through = 0x9;

/// A path as the system takes it; empty, which names nothing, if it is not UTF-8.
inline std::wstring wide(const std::string& path) {
  const int size = static_cast<int>(std::min<std::size_t>(path.size(), 32767));
  std::wstring result(static_cast<std::size_t>(size), L'\0');
  const int length =
      MultiByteToWideChar(cp_utf8, mb_err_invalid_chars, path.data(), size, result.data(), size);
  result.resize(static_cast<std::size_t>(std::max(length, 0)));
  return result;
}

}  // namespace native

/// Why the last of the calls below failed.
inline std::string last_error() {
  return std::system_category().message(static_cast<int>(native::GetLastError()));
}

inline std::uint64_t process_id() noexcept {
  return native::GetCurrentProcessId();
}

/// A number that threads can sleep on until it changes. (In libstdc++ 12, where the system lacks
/// futexes, a thread that goes to sleep on an atomic can miss that it was woken.)
class WaitableCounter : public std::atomic<std::uint32_t> {
 public:
  using std::atomic<std::uint32_t>::atomic;

  void wait(std::uint32_t old, std::memory_order order = std::memory_order_seq_cst) const noexcept {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return load(order) != old; });
  }
  // With the mutex in between, who saw the old number is asleep by now.
  void notify_one() noexcept {
    {
      const std::scoped_lock lock(mutex_);
    }
    changed_.notify_one();
  }
  void notify_all() noexcept {
    {
      const std::scoped_lock lock(mutex_);
    }
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
};

/// Zeroed pages, which the system provides when they are first touched; null if it refuses.
inline void* allocate(std::size_t bytes) noexcept {
  return native::VirtualAlloc(nullptr, bytes, native::mem_commit_and_reserve,
                              native::page_readwrite);
}
inline void release(void* p, std::size_t) noexcept {
  native::VirtualFree(p, 0, native::mem_release);
}

/// What there is at a path. (Permissions are inherited from the folder.)
struct FileInfo {
  bool regular;
  std::uint64_t size;
};

/// Of what the path leads to, links followed; nothing if there is nothing.
inline std::optional<FileInfo> find(const std::string& path) {
  const std::filesystem::path native_path(native::wide(path));
  std::error_code error;
  const auto status = std::filesystem::status(native_path, error);
  if (!std::filesystem::exists(status)) return std::nullopt;
  if (!std::filesystem::is_regular_file(status)) return FileInfo{false, 0};
  return FileInfo{true, std::filesystem::file_size(native_path, error)};
}

/// An open file, or none.
class File {
 public:
  File() noexcept = default;
  File(File&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  File& operator=(File&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~File() { close(); }

  /// To read. Others may meanwhile write, rename or delete it, as they may elsewhere.
  static File open(const std::string& path) {
    return File(native::CreateFileW(native::wide(path).c_str(), native::generic_read,
                                    native::file_share_all, nullptr, native::open_existing,
                                    native::file_attribute_normal, nullptr));
  }

  /// A new one, to write. None, and `exists` set, if there is something of that name.
  static File create(const std::string& path, const std::optional<FileInfo>&, bool& exists) {
    File file(native::CreateFileW(native::wide(path).c_str(), native::generic_write,
                                  native::file_share_read_and_delete, nullptr, native::create_new,
                                  native::file_attribute_normal, nullptr));
    exists = !file && native::GetLastError() == native::error_file_exists;
    return file;
  }
  /// A new one in a folder, to write and read at any place, that is deleted when it is closed:
  /// whatever becomes of the process, nothing of it stays.
  static File temporary(const std::string& folder) {
    static std::atomic<std::uint64_t> number{0};
    const std::string path = folder + "/.llama2-" + std::to_string(process_id()) + "-" +
                             std::to_string(number.fetch_add(1));
    return File(native::CreateFileW(
        native::wide(path).c_str(), native::generic_read | native::generic_write, 0, nullptr,
        native::create_new, native::file_attribute_temporary | native::file_flag_delete_on_close,
        nullptr));
  }

  [[nodiscard]] bool take_permissions(const FileInfo&) const noexcept { return true; }

  explicit operator bool() const noexcept { return handle_ != nullptr; }

  [[nodiscard]] std::optional<FileInfo> info() const noexcept {
    if (native::GetFileType(handle_) != native::file_type_disk) return FileInfo{false, 0};
    std::int64_t size = 0;  // what the union there holds
    if (native::GetFileSizeEx(handle_, reinterpret_cast<_LARGE_INTEGER*>(&size)) == 0)
      return std::nullopt;
    return FileInfo{true, static_cast<std::uint64_t>(size)};
  }

  /// Reads up to `size` bytes: how many, 0 at the end, negative if it failed.
  std::ptrdiff_t read(std::byte* out, std::size_t size) const noexcept {
    unsigned long n = 0;
    return native::ReadFile(handle_, out, at_a_time(size), &n, nullptr) != 0
               ? static_cast<std::ptrdiff_t>(n)
               : -1;
  }

  /// Writes up to `size` bytes: how many, negative if it failed.
  std::ptrdiff_t write(const std::byte* bytes, std::size_t size) const noexcept {
    unsigned long n = 0;
    return native::WriteFile(handle_, bytes, at_a_time(size), &n, nullptr) != 0
               ? static_cast<std::ptrdiff_t>(n)
               : -1;
  }

  /// The same at a place of the file; reading and writing go on from there.
  std::ptrdiff_t read_at(std::uint64_t offset, std::byte* out, std::size_t size) const noexcept {
    Overlapped at(offset);
    unsigned long n = 0;
    return native::ReadFile(handle_, out, at_a_time(size), &n, at.get()) != 0
               ? static_cast<std::ptrdiff_t>(n)
               : -1;
  }
  std::ptrdiff_t write_at(std::uint64_t offset, const std::byte* bytes,
                          std::size_t size) const noexcept {
    Overlapped at(offset);
    unsigned long n = 0;
    return native::WriteFile(handle_, bytes, at_a_time(size), &n, at.get()) != 0
               ? static_cast<std::ptrdiff_t>(n)
               : -1;
  }

  /// Brings what was written to the disk.
  [[nodiscard]] bool sync() const noexcept { return native::FlushFileBuffers(handle_) != 0; }

  bool close() noexcept {
    return handle_ == nullptr || native::CloseHandle(std::exchange(handle_, nullptr)) != 0;
  }

  /// All of its bytes, to read; null if the system refuses.
  [[nodiscard]] const std::byte* map(std::size_t size) const noexcept {
    void* const mapping =
        native::CreateFileMappingW(handle_, nullptr, native::page_readonly, 0, 0, nullptr);
    if (mapping == nullptr) return nullptr;
    const void* const p = native::MapViewOfFile(mapping, native::file_map_read, 0, 0, size);
    native::CloseHandle(mapping);  // the view keeps it
    return static_cast<const std::byte*>(p);
  }

 private:
  explicit File(void* handle) noexcept
      : handle_(reinterpret_cast<std::intptr_t>(handle) == -1 ? nullptr : handle) {}

  /// The system's structure of that name, of which only the offset is used.
  struct Overlapped {
    explicit Overlapped(std::uint64_t offset) noexcept
        : low(static_cast<std::uint32_t>(offset)), high(static_cast<std::uint32_t>(offset >> 32)) {}
    _OVERLAPPED* get() noexcept { return reinterpret_cast<_OVERLAPPED*>(this); }

    std::uintptr_t internal = 0, internal_high = 0;
    std::uint32_t low, high;
    void* event = nullptr;
  };

  /// The system counts the bytes of a call in 32 bits.
  static unsigned long at_a_time(std::size_t size) noexcept {
    return static_cast<unsigned long>(std::min(size, std::size_t{1} << 30));
  }

  void* handle_ = nullptr;
};

inline void unmap(const std::byte* p, std::size_t) noexcept {
  native::UnmapViewOfFile(p);
}

/// Of mapped bytes that begin and end with a page: to have them in memory soon, to have them in
/// large pages (which mapped files cannot), and not to have them in memory until they are next
/// read.
inline void will_need(const std::byte* p, std::size_t size) noexcept {
  struct {
    void* address;
    std::size_t bytes;
  } range{const_cast<std::byte*>(p), size};
  native::PrefetchVirtualMemory(native::GetCurrentProcess(), 1,
                                reinterpret_cast<_WIN32_MEMORY_RANGE_ENTRY*>(&range), 0);
}
inline void prefer_huge_pages(const std::byte*, std::size_t) noexcept {}
inline void drop(const std::byte* p, std::size_t size) noexcept {
  // Unlocking what is not locked takes it out of the process's working set.
  native::VirtualUnlock(const_cast<std::byte*>(p), size);
}

/// Gives a file another name, at once and in place of what has that name, and on the disk.
inline bool replace(const std::string& from, const std::string& to) {
  return native::MoveFileExW(native::wide(from).c_str(), native::wide(to).c_str(),
                             native::movefile_replace_existing_and_write_through) != 0;
}
inline bool sync_name(const std::string&) noexcept {
  return true;  // `replace` has waited for it
}

inline void remove(const std::string& path) {
  native::DeleteFileW(native::wide(path).c_str());
}

/// Whether two paths lead to one file.
inline bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(std::filesystem::path(native::wide(a)),
                                     std::filesystem::path(native::wide(b)), error);
}

}  // namespace llama2::inline LLAMA2_ABI::os

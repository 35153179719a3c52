// A training's state in a file: all that decides how it goes on, to the bit.
//
//   8 bytes     "L2TRAIN1"
//   8 bytes     size of the fields' text, little-endian as all that follows
//   text        a line "name value" for each field, then a line "tensor name size" for each tensor
//   zeros       up to a multiple of 64 bytes
//   floats      for each tensor its values, first moments and second moments
//   8 bytes     checksum of all before
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "llama2/base/checked.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/random.hpp"
#include "llama2/train/adamw.hpp"
#include "llama2/train/objective.hpp"

namespace llama2::inline LLAMA2_ABI {

static_assert(std::endian::native == std::endian::little,
              "llama2: training states are little-endian, and so must the machine be");

/// Named values of a training's state, in order; as text, so that a person can read them.
class StateFields {
 public:
  /// `file` is for error messages.
  explicit StateFields(std::string file = {}) : file_(std::move(file)) {}

  /// Appends a field. Throws `invalid_argument` for a name with a space and for a line end, which
  /// the file could not hold.
  void set(std::string name, std::string value) {
    if (name.empty() || name.find_first_of(" \n") != name.npos || value.find('\n') != value.npos)
      throw Error(ErrorCode::invalid_argument, "no field of a saved training", {.tensor = name});
    fields_.emplace_back(std::move(name), std::move(value));
  }
  void set(std::string name, std::uint64_t value) { set(std::move(name), std::to_string(value)); }
  /// As the shortest text that gives the same number again.
  void set(std::string name, double value) {
    std::array<char, 32> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    set(std::move(name), std::string(text.data(), end));
  }

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] std::span<const std::pair<std::string, std::string>> all() const noexcept {
    return fields_;
  }
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept {
    const auto found =
        std::ranges::find(fields_, name, &std::pair<std::string, std::string>::first);
    return found == fields_.end() ? nullptr : &found->second;
  }

  /// The field's text. Throws `malformed_file` if there is none.
  [[nodiscard]] const std::string& text(std::string_view name) const {
    const std::string* const found = find(name);
    if (found == nullptr)
      throw Error(ErrorCode::malformed_file, "the field is missing",
                  {.file = file_, .tensor = std::string(name)});
    return *found;
  }
  /// The field's whole number. Throws `malformed_file` if there is none.
  [[nodiscard]] std::uint64_t number(std::string_view name) const {
    const std::string& value = text(name);
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc() || end != value.data() + value.size() || value.empty())
      throw Error(ErrorCode::malformed_file, "the field is no whole number",
                  {.file = file_, .tensor = std::string(name), .found = value.substr(0, 40)});
    return result;
  }

  /// Throws `mismatch` unless the field has this value.
  void require(std::string_view name, const std::string& expected) const {
    const std::string& found = text(name);
    if (found != expected)
      throw Error(ErrorCode::mismatch, "the saved training is another one than this",
                  {.file = file_,
                   .tensor = std::string(name),
                   .expected = expected,
                   .found = found.substr(0, 200)});
  }
  /// The same of every field of `expected`.
  void require(const StateFields& expected) const {
    for (const auto& [name, value] : expected.fields_) require(name, value);
  }

 private:
  std::string file_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

namespace detail {

inline constexpr std::string_view train_state_magic = "L2TRAIN1";
inline constexpr std::size_t max_state_fields = 1000;
inline constexpr std::size_t max_state_tensors = 16384;  // of 1024 layers and more

/// A running checksum. Every step is a bijection of what came before and of the word, so a change
/// of up to eight neighbouring bytes always shows, and any other but with chance 2^-64.
class Checksum {
 public:
  /// Bytes in whole words, but for the last call's.
  void add(std::span<const std::byte> bytes) noexcept {
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, std::min(sizeof word, bytes.size() - i));
      value_ = mix_bits(value_ ^ word);
    }
    size_ += bytes.size();
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return mix_bits(value_ ^ size_); }

 private:
  std::uint64_t value_ = 0;
  std::uint64_t size_ = 0;
};

/// Floats of a tensor, filled up to whole words.
constexpr std::size_t padded_floats(std::size_t size) noexcept {
  return round_up(size, 2);
}

}  // namespace detail

/// Writes a training's state: the file appears whole and on the disk, or not at all. Throws `io`.
inline void write_train_state(const std::string& path, const StateFields& fields,
                              std::span<const TrainedTensor> tensors,
                              std::span<const AdamW::Moments> moments) {
  OutputFile file(path);
  detail::Checksum checksum;
  const auto put = [&](std::span<const std::byte> bytes) {
    checksum.add(bytes);
    file.write(bytes);
  };
  std::string head;
  for (const auto& [name, value] : fields.all()) head += name + ' ' + value + '\n';
  for (const TrainedTensor& tensor : tensors)
    head += "tensor " + tensor.name + ' ' + std::to_string(tensor.values.size()) + '\n';
  const std::uint64_t size = head.size();
  std::string start(detail::train_state_magic);
  start.append(reinterpret_cast<const char*>(&size), sizeof size);
  start += head;
  start.resize(round_up(start.size(), 64));
  put(std::as_bytes(std::span(start)));
  for (std::size_t i = 0; i < tensors.size(); ++i)
    for (const std::span<const float> floats :
         {std::span<const float>(tensors[i].values), std::span<const float>(moments[i].first),
          std::span<const float>(moments[i].second)}) {
      const std::size_t whole = floats.size() - floats.size() % 2;
      put(std::as_bytes(floats.first(whole)));
      if (whole != floats.size()) {
        const std::array<float, 2> last = {floats[whole], 0};
        put(std::as_bytes(std::span(last)));
      }
    }
  const std::uint64_t sum = checksum.value();
  file.write(std::as_bytes(std::span(&sum, 1)));
  file.commit();
}

/// An opened state: everything in it has been checked but what the numbers mean.
class TrainState {
 public:
  /// A tensor of the file.
  struct Tensor {
    std::string name;
    std::uint64_t size;    ///< elements
    std::uint64_t offset;  ///< of its values; its moments follow
  };

  /// Reads and checks the file. Throws `io`, and `malformed_file` for whatever
  /// `write_train_state` did not write.
  explicit TrainState(const std::string& path)
      : TrainState(std::make_shared<const InputFile>(path)) {}
  explicit TrainState(std::shared_ptr<const InputFile> file)
      : file_(std::move(file)), fields_(file_->path()) {
    const std::span<const std::byte> bytes = file_->bytes();
    const std::size_t start = detail::train_state_magic.size() + sizeof(std::uint64_t);
    if (bytes.size() < start + sizeof(std::uint64_t) ||
        std::memcmp(bytes.data(), detail::train_state_magic.data(),
                    detail::train_state_magic.size()) != 0)
      refuse("this is no saved training", 0, "a file that begins with L2TRAIN1",
             std::to_string(bytes.size()) + " bytes of something else");
    const auto head_size = word(detail::train_state_magic.size());
    if (head_size > bytes.size() - start)
      refuse("the file ends inside its fields", detail::train_state_magic.size(),
             "at most " + std::to_string(bytes.size() - start) + " bytes of them",
             std::to_string(head_size));
    const auto head = static_cast<std::size_t>(head_size);
    next_ = round_up(start + head, 64);
    parse({reinterpret_cast<const char*>(bytes.data()) + start, head}, start);
    const std::uint64_t whole = next_ + sizeof(std::uint64_t);
    if (whole != bytes.size())
      refuse("the tensors do not fit the file's size", std::nullopt,
             std::to_string(whole) + " bytes", std::to_string(bytes.size()));
    detail::Checksum checksum;
    checksum.add(bytes.first(static_cast<std::size_t>(next_)));
    if (checksum.value() != word(static_cast<std::size_t>(next_)))
      refuse("the file is damaged: its checksum is not that of its contents", next_, {}, {});
  }

  [[nodiscard]] const StateFields& fields() const noexcept { return fields_; }
  [[nodiscard]] std::span<const Tensor> tensors() const noexcept { return tensors_; }

  /// Copies the tensors and their moments. Throws `mismatch`, before anything is changed, unless
  /// the file has exactly these, of these sizes and in this order.
  void copy_to(std::span<const TrainedTensor> tensors,
               std::span<const AdamW::Moments> moments) const {
    const auto describe = [](const std::string& name, std::uint64_t size) {
      return name + " of " + std::to_string(size) + " elements";
    };
    for (std::size_t i = 0; i < std::max(tensors.size(), tensors_.size()); ++i) {
      const std::string expected =
          i < tensors.size() ? describe(tensors[i].name, tensors[i].values.size()) : "no more";
      const std::string found =
          i < tensors_.size() ? describe(tensors_[i].name, tensors_[i].size) : "no more";
      if (expected != found)
        throw Error(ErrorCode::mismatch, "the saved training has other tensors than this model",
                    {.file = file_->path(), .expected = expected, .found = found});
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::byte* from = file_->bytes().data() + tensors_[i].offset;
      for (const std::span<float> to : {tensors[i].values, moments[i].first, moments[i].second}) {
        std::memcpy(to.data(), from, to.size_bytes());
        from += detail::padded_floats(to.size()) * sizeof(float);
      }
    }
  }

 private:
  [[noreturn]] void refuse(const char* message, std::optional<std::uint64_t> offset,
                           std::string expected, std::string found) const {
    throw Error(ErrorCode::malformed_file, message,
                {.file = file_->path(),
                 .offset = offset,
                 .expected = std::move(expected),
                 .found = std::move(found)});
  }

  [[nodiscard]] std::uint64_t word(std::size_t offset) const noexcept {
    std::uint64_t value;
    std::memcpy(&value, file_->bytes().data() + offset, sizeof value);
    return value;
  }

  void parse(std::string_view text, std::uint64_t offset) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      const std::size_t space = line.find(' ');
      if (end == text.npos || space == line.npos || space == 0)
        refuse("a field without name or value", offset, "a line \"name value\"",
               std::string(line.substr(0, 40)));
      if (fields_.all().size() >= detail::max_state_fields ||
          tensors_.size() >= detail::max_state_tensors)
        refuse("more fields or tensors than any training has", offset, {}, {});
      const std::string_view name = line.substr(0, space), value = line.substr(space + 1);
      if (name == "tensor")
        add_tensor(value, offset);
      else
        fields_.set(std::string(name), std::string(value));
      text.remove_prefix(end + 1);
      offset += end + 1;
    }
  }

  /// "layers.0.attention.wq.weight 4096"
  void add_tensor(std::string_view text, std::uint64_t offset) {
    const std::size_t space = text.rfind(' ');
    std::uint64_t size = 0;
    const char* const end = text.data() + text.size();
    if (space != text.npos) {
      const auto [parsed, error] = std::from_chars(text.data() + space + 1, end, size);
      if (error == std::errc() && parsed == end && size != 0) {
        const std::uint64_t most = file_->bytes().size() / (3 * sizeof(float));
        if (size > most)
          refuse("the tensor is larger than the file", offset,
                 "at most " + std::to_string(most) + " elements", std::to_string(size));
        tensors_.push_back(
            {.name = std::string(text.substr(0, space)), .size = size, .offset = next_});
        // No overflow: there are at most `max_state_tensors` of them.
        next_ += 3 * sizeof(float) * detail::padded_floats(static_cast<std::size_t>(size));
        return;
      }
    }
    refuse("a tensor without name or size", offset, "a line \"tensor name size\"",
           std::string(text.substr(0, 40)));
  }

  std::shared_ptr<const InputFile> file_;
  StateFields fields_;
  std::vector<Tensor> tensors_;
  std::uint64_t next_ = 0;  // where the next tensor begins
};

}  // namespace llama2::inline LLAMA2_ABI

// Keys and values of a past, and its tokens, as a file.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stop_token>
#include <string>
#include <type_traits>
#include <vector>

#include "llama2/base/aligned_buffer.hpp"
#include "llama2/base/checksum.hpp"
#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/base/token.hpp"
#include "llama2/base/watch.hpp"
#include "llama2/model/model.hpp"
#include "llama2/model/pack.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Tells models apart by a sample of the bytes of every tensor: 16 pieces of 64 bytes, from its
/// first to its last. That takes a millisecond where all would take seconds, and tells another
/// model, another training or another format of the weights, but not whether a few were changed.
template <class M>
std::uint64_t fingerprint(const M& model) {
  Checksum sum;
  auto weights = model.weights();
  for_each_tensor(
      [&](TensorId, auto& tensor) {
        visit_view(tensor, [&]<class View>(View& view) {
          using Memory = TensorMemory<View>;
          constexpr std::size_t size = Memory::count * sizeof(typename Memory::Element);
          constexpr std::size_t piece = std::min<std::size_t>(64, size), pieces = 16;
          const auto* const bytes = reinterpret_cast<const std::byte*>(view.data);
          for (std::size_t i = 0; i < pieces; ++i)
            sum.add({bytes + (size - piece) / (pieces - 1) * i, piece});
        });
      },
      weights);
  return sum.value();
}

namespace detail {

/// The layout of a saved cache; numbers are little-endian. The header, the tokens (4 bytes each),
/// the pages as they lie in memory (`KvHead`s of all layers and heads; positions of the last page
/// that are not filled are zeros), a checksum of all before it.
struct CacheFileHeader {
  static constexpr std::array<char, 8> magic_of_all = {'l', 'l', 'a', 'm', 'a', '2', 'k', 'v'};
  static constexpr std::uint32_t this_version = 1;
  static constexpr std::array<const char*, 14> names = {"dim",
                                                        "hidden_dim",
                                                        "layers",
                                                        "heads",
                                                        "kv_heads",
                                                        "vocab",
                                                        "norm_epsilon",
                                                        "rope_theta",
                                                        "rope_scaling",
                                                        "rope_factor",
                                                        "rope_context",
                                                        "rope_attention_factor",
                                                        "rope_beta_fast",
                                                        "rope_beta_slow"};

  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t page_positions;
  std::array<char, 8> format;                // of keys and values, filled up with zeros
  std::array<double, names.size()> numbers;  // what keys and values depend on
  std::uint64_t tokens, positions;           // of the text; of which the cache holds the first
  std::uint64_t fingerprint;                 // of the weights

  /// That of a past of the model.
  template <class M>
  static CacheFileHeader of(const M& model, std::size_t tokens, std::size_t positions) {
    using S = typename M::Shape;
    CacheFileHeader header{magic_of_all, this_version, kv_page_positions,         {}, {},
                           tokens,       positions,    llama2::fingerprint(model)};
    std::ranges::copy(M::Kv::name, header.format.begin());
    const ModelConfig& config = model.config();
    RopeScaling scaling;  // what has no effect is as by default
    if (config.rope_scaling.kind != RopeScalingKind::none) {
      scaling.kind = config.rope_scaling.kind;
      scaling.factor = config.rope_scaling.factor;
    }
    if (scaling.kind == RopeScalingKind::yarn) {
      scaling = config.rope_scaling;
      if (scaling.original_context == 0) scaling.original_context = config.context;
    }
    const auto number = [](auto value) { return static_cast<double>(value); };
    header.numbers = {number(S::dim),
                      number(S::hidden_dim),
                      number(S::layers),
                      number(S::heads),
                      number(S::kv_heads),
                      number(S::vocab),
                      number(config.norm_epsilon),
                      number(config.rope_theta),
                      number(static_cast<int>(scaling.kind)),
                      number(scaling.factor),
                      number(scaling.original_context),
                      number(scaling.attention_factor),
                      number(scaling.beta_fast),
                      number(scaling.beta_slow)};
    return header;
  }
};
static_assert(std::is_trivially_copyable_v<CacheFileHeader> &&
              std::has_unique_object_representations_v<std::array<std::uint64_t, 3>> &&
              sizeof(CacheFileHeader) == 160);

/// Refuses a file that is not a whole, undamaged cache of this model, and says why.
inline void check_cache_file(const std::string& path, std::span<const std::byte> bytes,
                             const CacheFileHeader& header, const CacheFileHeader& wanted,
                             const std::stop_token& cancel) {
  const auto refuse = [&](ErrorCode code, const char* message, const char* field,
                          std::string expected, std::string found) {
    throw Error(code, message,
                {.file = path,
                 .tensor = field,
                 .expected = std::move(expected),
                 .found = std::move(found)});
  };
  using enum ErrorCode;
  if (header.version != wanted.version)
    refuse(unsupported, "a saved cache of another version", "version",
           std::to_string(wanted.version), std::to_string(header.version));
  std::uint64_t sum;
  std::memcpy(&sum, bytes.data() + bytes.size() - sizeof sum, sizeof sum);
  Checksum found;
  constexpr std::size_t part = std::size_t{1} << 20;
  const auto summed = bytes.first(bytes.size() - sizeof sum);
  for (std::size_t at = 0; at < summed.size(); at += part) {
    throw_if_cancelled(cancel);
    found.add(summed.subspan(at, std::min(part, summed.size() - at)));
  }
  if (sum != found.value())
    refuse(malformed_file, "the saved cache is damaged or not whole: its checksum is wrong", "", "",
           "");
  constexpr const char* another = "a saved cache of another model";
  if (header.page_positions != wanted.page_positions)
    refuse(mismatch, another, "page_positions", std::to_string(wanted.page_positions),
           std::to_string(header.page_positions));
  if (header.format != wanted.format) {
    const auto text = [](const std::array<char, 8>& name) {
      return std::string(
          name.begin(), std::ranges::find_if_not(name, [](char c) { return c > ' ' && c <= '~'; }));
    };
    refuse(mismatch, another, "format of the cache", text(wanted.format), text(header.format));
  }
  for (std::size_t i = 0; i < header.numbers.size(); ++i)
    if (header.numbers[i] != wanted.numbers[i])
      refuse(mismatch, another, CacheFileHeader::names[i], number_text(wanted.numbers[i]),
             number_text(header.numbers[i]));
  if (header.fingerprint != wanted.fingerprint)
    refuse(mismatch, "a saved cache of a model with other weights", "", "", "");
}

}  // namespace detail

/// Writes what has been evaluated of a text, and all its tokens, to a file, which appears when it
/// is complete. It is for models of the same weights, in the same format, with the same rotary
/// embedding, on any machine. Throws `io`, and `invalid_argument` if there are fewer tokens than
/// the sequence has positions. `watch` learns of positions; where it ends the work, there is no
/// file, or still the one of before.
template <class M>
void save_cache(const std::string& path, const M& model, const typename M::Sequence& sequence,
                std::span<const Token> tokens, const Watch& watch = {}) {
  using Head = typename M::Pool::Head;
  constexpr std::size_t heads = M::Pool::page_heads, page = kv_page_positions;
  if (tokens.size() < sequence.size())
    throw Error(ErrorCode::invalid_argument, "the cache holds more than the text",
                {.expected = "at least " + std::to_string(sequence.size()) + " tokens",
                 .found = std::to_string(tokens.size())});
  OutputFile file(path);
  Checksum sum;
  const auto write = [&](const auto* items, std::size_t count) {
    const auto bytes = std::as_bytes(std::span(items, count));
    sum.add(bytes);
    file.write(bytes);
  };
  const auto header = detail::CacheFileHeader::of(model, tokens.size(), sequence.size());
  write(&header, 1);
  write(tokens.data(), tokens.size());
  const std::size_t whole = sequence.size() / page, rest = sequence.size() % page;
  for (std::size_t p = 0; p < whole; ++p) {
    throw_if_cancelled(watch.cancel);
    write(sequence.pages()[p], heads);
    if (watch.on_progress) watch.on_progress((p + 1) * page, sequence.size());
  }
  if (rest != 0) {  // whatever was in the page before is nobody's business
    AlignedBuffer<Head> last(heads);
    for (std::size_t h = 0; h < heads; ++h)
      last[h].copy_positions(sequence.pages()[whole][h], 0, rest);
    write(last.data(), heads);
  }
  const std::uint64_t value = sum.value();
  file.write(std::as_bytes(std::span(&value, 1)));
  file.commit();
}

/// Replaces a sequence's past by a saved one, and returns the tokens of the text, which may be more
/// than the sequence then has positions. What is computed next has the bits that it would have had.
///
/// Throws `io`; `malformed_file`, `unsupported` or `mismatch` for a file that is damaged, of
/// another version or another model; `context_exhausted` if the text does not fit into the
/// sequence: all these change nothing. `out_of_memory`, if a page is shared with a fork and the
/// pool has none in its place, and what ends the watched work leave the sequence empty. `watch`
/// learns of positions.
template <class M>
std::vector<Token> load_cache(const std::string& path, const M& model,
                              typename M::Sequence& sequence, FileAccess access = FileAccess::map,
                              const Watch& watch = {}) {
  using Header = detail::CacheFileHeader;
  constexpr std::size_t page = kv_page_positions, page_bytes = M::memory.kv_page();
  const InputFile file(path, access);
  const std::span<const std::byte> bytes = file.bytes();
  Header header;
  constexpr std::size_t least = sizeof header + sizeof(std::uint64_t);
  if (bytes.size() >= least) std::memcpy(&header, bytes.data(), sizeof header);
  if (bytes.size() < least || header.magic != Header::magic_of_all)
    throw Error(ErrorCode::malformed_file, "no saved key/value cache", {.file = path});
  detail::check_cache_file(path, bytes, header, Header::of(model, 0, 0), watch.cancel);

  const std::size_t filled = header.tokens <= max_context && header.positions <= header.tokens
                                 ? static_cast<std::size_t>(header.positions)
                                 : std::numeric_limits<std::size_t>::max();
  if (filled > max_context ||
      bytes.size() != least + header.tokens * sizeof(Token) + ceil_div(filled, page) * page_bytes)
    throw Error(
        ErrorCode::malformed_file, "the saved cache has another size than it says",
        {.file = path,
         .found = std::to_string(header.tokens) + " tokens, " + std::to_string(header.positions) +
                  " positions, " + std::to_string(bytes.size()) + " bytes"});
  if (header.tokens > sequence.capacity())
    throw Error(ErrorCode::context_exhausted, "the saved text does not fit into the context",
                {.file = path,
                 .expected = "at most " + std::to_string(sequence.capacity()) + " tokens",
                 .found = std::to_string(header.tokens)});
  std::vector<Token> tokens(static_cast<std::size_t>(header.tokens));
  const std::byte* next = bytes.data() + sizeof header;
  if (!tokens.empty()) std::memcpy(tokens.data(), next, tokens.size() * sizeof(Token));
  next += tokens.size() * sizeof(Token);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (!is_token(tokens[i], M::Shape::vocab))
      throw Error(ErrorCode::malformed_file, "token outside the vocabulary",
                  {.file = path,
                   .offset = sizeof header + i * sizeof(Token),
                   .expected = "0 to " + std::to_string(M::Shape::vocab - 1),
                   .found = std::to_string(tokens[i])});
  sequence.truncate(0);
  try {
    for (std::size_t at = 0; at < filled; at += page, next += page_bytes) {
      sequence.prepare_next();
      std::memcpy(static_cast<void*>(sequence.pages()[at / page]), next, page_bytes);
      sequence.advance(std::min(page, filled - at));
      throw_if_cancelled(watch.cancel);
      if (watch.on_progress) watch.on_progress(sequence.size(), filled);
    }
  } catch (...) {
    sequence.truncate(0);
    throw;
  }
  return tokens;
}

}  // namespace llama2::inline LLAMA2_ABI

// The loops that find the limits of a machine, once per compiled target.

#include "llama2/simd/toggle-inl.hpp"

#if defined(LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_) == defined(LLAMA2_TARGET_TOGGLE)
#ifdef LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_
#undef LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_
#else
#define LLAMA2_BENCH_LIMIT_LOOPS_INL_HPP_
#endif

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "limit_loops.hpp"
#include "llama2/kernels/kernels-inl.hpp"
#include "llama2/simd/dots-inl.hpp"

LLAMA2_TARGET_BEGIN;
namespace bench::LLAMA2_TARGET_NAMESPACE {

namespace simd = llama2::LLAMA2_TARGET_NAMESPACE::simd;
namespace ops = simd::ops;

inline constexpr std::string_view name = llama2::LLAMA2_TARGET_NAMESPACE::Kernels::name;

/// Makes the compiler believe that a register has changed, or an array, which stands for one.
template <class Raw>
LLAMA2_INLINE void renew_raw(Raw& raw) {
#if defined(__x86_64__) || defined(__i386__)
  asm volatile("" : "+v"(raw));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(raw));
#else
  asm volatile("" : "+m"(raw));
#endif
}
template <class T, std::size_t N>
LLAMA2_INLINE void renew_raw(T (&raw)[N]) {
  asm volatile("" : "+m"(raw));
}

/// Makes the compiler believe that a vector has changed, and is needed: nothing computed from it
/// can be shared with another round, left out, or moved out of a loop. Costs no instruction.
template <class V>
LLAMA2_INLINE void renew(V& v) {
  renew_raw(v.raw);
}

/// Reads in `Streams` ascending streams, `Lines` cache lines of each in turn, and asks for what
/// lies `Ahead` bytes further (0: leaves that to the processor).
template <std::size_t Streams, std::size_t Lines, std::size_t Ahead>
void read(const std::byte* data, std::size_t bytes, std::size_t passes) noexcept {
  constexpr simd::NativeFloats d;
  constexpr std::size_t line = 64, size = d.lanes * sizeof(float);
  const std::size_t part = bytes / Streams;
  for (std::size_t pass = 0; pass < passes; ++pass)
    for (std::size_t i = 0; i < part; i += Lines * line) {
#pragma GCC unroll 4
      for (std::size_t s = 0; s < Streams; ++s) {
        const std::byte* const p = data + s * part + i;
#pragma GCC unroll 32
        for (std::size_t j = 0; j < Lines * line; j += size) {
          if constexpr (Ahead != 0)
            if (j % line == 0) __builtin_prefetch(p + j + Ahead);
          auto v = simd::load(d, reinterpret_cast<const float*>(p + j));
          renew(v);
        }
      }
    }
}

template <std::size_t Streams, std::size_t Lines, std::size_t Ahead>
inline constexpr ReadLoop read_loop{read<Streams, Lines, Ahead>, Streams* Lines * 64};

inline constexpr ReadLoop reads[] = {read_loop<1, 4, 0>,    read_loop<1, 1, 0>,
                                     read_loop<1, 4, 1024>, read_loop<1, 4, 4096>,
                                     read_loop<2, 2, 0>,    read_loop<4, 1, 0>};

/// Independent sums, as many as hide the latency of an instruction and leave room for operands in
/// sixteen registers, or in AVX-512's thirty-two: `vdpbf16ps` needs more than twelve on Zen 5.
inline constexpr std::size_t chains = simd::native_lanes == 16 ? 20 : 10;

/// Runs `rounds` of add(sum) on sums that begin at start(j), all different.
template <class Start, class Add>
LLAMA2_INLINE void run_chains(std::size_t rounds, Start&& start, Add&& add) {
  decltype(start(0)) sums[chains];
#pragma GCC unroll 32
  for (std::size_t j = 0; j < chains; ++j) sums[j] = start(static_cast<int>(j));
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 32
    for (std::size_t j = 0; j < chains; ++j) {
      add(sums[j]);
      renew(sums[j]);
    }
  }
}

inline void float_products(std::size_t rounds) noexcept {
  constexpr simd::NativeFloats d;
  auto factor = simd::set(d, 0.999f);
  renew(factor);
  run_chains(
      rounds, [&](int j) LLAMA2_TARGET_ATTR { return simd::set(d, static_cast<float>(j)); },
      [&](auto& sum) LLAMA2_TARGET_ATTR { sum = simd::fma(sum, factor, factor); });
}
inline constexpr ProductLoop float_loop{float_products, chains* simd::native_lanes};

#if LLAMA2_SIMD_BF16
inline void pair_products(std::size_t rounds) noexcept {
  constexpr simd::RowFloats d;
  const simd::Pair one = 0x3F803F80;  // a pair of ones
  const auto w = simd::broadcast_pair(&one, 0);
  run_chains(
      rounds, [&](int j) LLAMA2_TARGET_ATTR { return simd::set(d, static_cast<float>(j)); },
      [&](auto& sum) LLAMA2_TARGET_ATTR { sum = simd::add_pairs(w, w, sum); });
}
inline constexpr ProductLoop pair_loop{pair_products, chains * 2 * simd::RowFloats::lanes};
#else
inline constexpr ProductLoop pair_loop = float_loop;
#endif

#if LLAMA2_SIMD_QUADS

#if LLAMA2_SIMD_VNNI
inline void byte_products(std::size_t rounds) noexcept {
  auto w = ops::set<ops::Quads>(3);
  renew(w);
  const auto x = ops::set<ops::Bytes>(1);
  run_chains(
      rounds, [&](int j) LLAMA2_TARGET_ATTR { return ops::set<ops::Integers>(j); },
      [&](auto& sum) LLAMA2_TARGET_ATTR { sum = ops::add_quads(sum, w, x); });
}
inline constexpr ProductLoop byte_loop{byte_products, chains * 4 * simd::RowFloats::lanes};
inline constexpr ProductLoop nibble_loop = byte_loop;
#else
/// Each sum of pairs in 16 bits goes on into 32 bits.
inline void byte_products(std::size_t rounds) noexcept {
  auto w = ops::set<ops::Quads>(3);
  const auto x = ops::set<ops::Bytes>(1);
  auto ones = ops::set<ops::Words>(1);
  renew(ones);
  run_chains(
      rounds, [&](int j) LLAMA2_TARGET_ATTR { return ops::set<ops::Integers>(j); },
      [&](auto& sum) LLAMA2_TARGET_ATTR {
        renew(w);
        sum = ops::add(sum, ops::add_word_pairs(ops::add_byte_pairs(w, x), ones));
      });
}
inline constexpr ProductLoop byte_loop{byte_products, chains * 4 * simd::RowFloats::lanes};

/// Eight sums of pairs fit into 16 bits.
inline void nibble_products(std::size_t rounds) noexcept {
  auto w = ops::set<ops::Quads>(3);
  const auto x = ops::set<ops::Bytes>(1);
  auto ones = ops::set<ops::Words>(1);
  renew(ones);
  ops::Words sums[chains];
#pragma GCC unroll 32
  for (std::size_t j = 0; j < chains; ++j)
    sums[j] = ops::set<ops::Words>(static_cast<std::int16_t>(j));
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (std::size_t group = 0; group < 8; ++group) {
#pragma GCC unroll 32
      for (std::size_t j = 0; j < chains; ++j) {
        renew(w);
        sums[j] = ops::add(sums[j], ops::add_byte_pairs(w, x));
        renew(sums[j]);
      }
    }
#pragma GCC unroll 32
    for (std::size_t j = 0; j < chains; ++j) {
      sums[j] = ops::cast<ops::Words>(ops::add_word_pairs(sums[j], ones));
      renew(sums[j]);
    }
  }
}
inline constexpr ProductLoop nibble_loop{nibble_products, chains * 32 * simd::RowFloats::lanes};
#endif

#else  // a processor without such instructions: what the compiler makes of plain loops

inline void byte_products(std::size_t rounds) noexcept {
  const std::uint8_t bytes[4 * simd::RowFloats::lanes] = {3, 1, 2};
  const std::int8_t x[4] = {1, 2, 3, 4};
  const std::int32_t start = 0;
  auto w = simd::load_quads(bytes);
  simd::NibbleDot sum;
  sum.begin(&start);
  for (std::size_t i = 0; i < rounds; ++i) {
    asm volatile("" : "+m"(w));
    sum.add(w, x);
    asm volatile("" : "+m"(sum));
  }
}
inline constexpr ProductLoop byte_loop{byte_products, 4 * simd::RowFloats::lanes};
inline constexpr ProductLoop nibble_loop = byte_loop;

#endif

inline constexpr LimitLoops loops{.reads = reads,
                                  .floats = float_loop,
                                  .pairs = pair_loop,
                                  .bytes = byte_loop,
                                  .nibbles = nibble_loop};

}  // namespace bench::LLAMA2_TARGET_NAMESPACE
LLAMA2_TARGET_END;

#endif  // toggle guard

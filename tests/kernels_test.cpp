// Every kernel of the compiled target against its plain twin in double, at odd sizes and
// addresses. Compiled once per target.

#include "llama2/kernels/kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "catch.hpp"
#include "llama2/format/float_formats.hpp"
#include "llama2/kernels/reference.hpp"
#include "llama2/shape/memory_plan.hpp"
#include "panels.hpp"
#include "random_values.hpp"

using namespace llama2;
using test::in_panels;

// Some tests call the target's vectors themselves.
LLAMA2_TARGET_BEGIN;

namespace {

constexpr std::size_t lanes = kernels::simd::native_lanes;

/// Sizes around multiples of the vector, and some plain ones.
std::vector<std::size_t> odd_sizes() {
  std::vector<std::size_t> sizes = {1, 2, 3, 5, 7, 31, 172, 288};
  for (const std::size_t n : {lanes, 2 * lanes, 5 * lanes})
    for (const std::size_t size : {n - 1, n, n + 1})
      if (size != 0) sizes.push_back(size);
  return sizes;
}

/// A float's bits, so that equal means equal.
std::vector<std::uint32_t> bits(const std::vector<float>& values) {
  std::vector<std::uint32_t> result(values.size());
  std::memcpy(result.data(), values.data(), values.size() * sizeof(float));
  return result;
}

/// Whether every value is within `relative` of the expected one, or within `absolute`.
bool all_close(const std::vector<float>& values, const std::vector<double>& expected,
               double relative, double absolute) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = std::abs(values[i] - expected[i]);
    if (error <= std::max(absolute, relative * std::abs(expected[i]))) continue;
    UNSCOPED_INFO("element " << i << " is " << values[i] << ", not " << expected[i]);
    return false;
  }
  return values.size() == expected.size();
}

/// The bound of a sum of n products rounded one after the other: n * 2^-24 * sum of magnitudes.
double dot_bound(const double* a, const double* b, std::size_t n) {
  double magnitude = 0;
  for (std::size_t i = 0; i < n; ++i) magnitude += std::abs(a[i] * b[i]);
  return static_cast<double>(n + 1) * 0x1p-24 * magnitude + 1e-30;
}

using Quantised = std::vector<kernels::QuantisedBlock>;

Quantised quantised(const float* x, std::size_t n) {
  Quantised blocks(ceil_div(n, 32));
  for (std::size_t b = 0; b < blocks.size(); ++b)
    kernels::quantise(x + 32 * b, std::min<std::size_t>(32, n - 32 * b), blocks[b]);
  return blocks;
}

/// Activations as the products take them: with weights in pairs some targets round them.
template <class F>
std::vector<float> as_multiplied(std::vector<float> x) {
#if LLAMA2_SIMD_BF16
  if (activation_form<F> == ActivationForm::pairs)
    for (float& value : x) value = to_float(to_bfloat16(value));
#endif
  return x;
}

}  // namespace

TEST_CASE("the target is the one that the flags ask for") {
#if defined(LLAMA2_TEST_EXPECTED_LANES)
  CHECK(lanes == LLAMA2_TEST_EXPECTED_LANES);
#endif
  INFO(abi_tag);
  CHECK(kernels::simd::lanes_dividing(48) <= 16);
  CHECK(48 % kernels::simd::lanes_dividing(48) == 0);
  CHECK(kernels::simd::lanes_dividing(7) == 1);
}

TEMPLATE_TEST_CASE("matmul equals the reference, and any tile the same bits", "", F32, F16, BF16) {
  using Block = typename TestType::Block;
  for (const std::size_t cols : odd_sizes()) {
    for (const std::size_t rows : {1u, 13u, 16u, 21u, 48u, 64u, 130u}) {
      const PanelLayout layout = PanelLayout::of<TestType>(rows, cols);
      constexpr std::size_t most_tokens = 15;
      const auto x = random_values(1, most_tokens * cols + 1);
      const auto w = random_values(2, rows * cols);
      std::vector<Block> blocks(rows * cols);
      TestType::encode(w.data(), blocks.data(), blocks.size());
      std::vector<float> decoded(blocks.size());
      TestType::decode(blocks.data(), decoded.data(), blocks.size());

      const auto wide_w = widen(decoded);
      const auto wide_x = widen(as_multiplied<TestType>({x.begin() + 1, x.end()}));
      std::vector<double> expected(most_tokens * rows);
      reference::matmul(wide_w.data(), rows, cols, wide_x.data(), most_tokens, expected.data());

      const auto panels = in_panels<TestType>(blocks.data(), layout, cols);
      std::vector<float> one_by_one(most_tokens * rows);
      for (std::size_t t = 0; t < most_tokens; ++t)
        test::matmul<TestType>(panels, layout, cols, x.data() + 1 + t * cols, 1,
                               one_by_one.data() + t * rows);
      bool within_bounds = true;
      for (std::size_t t = 0; t < most_tokens; ++t)
        for (std::size_t r = 0; r < rows; ++r) {
          const double bound = dot_bound(&wide_w[r * cols], &wide_x[t * cols], cols);
          const double error = std::abs(one_by_one[t * rows + r] - expected[t * rows + r]);
          within_bounds = within_bounds && error <= bound;
        }
      REQUIRE(within_bounds);
      for (const std::size_t tokens : {2u, 3u, 4u, 5u, 6u, 7u, 15u}) {
        std::vector<float> together(tokens * rows);
        test::matmul<TestType>(panels, layout, cols, x.data() + 1, tokens, together.data());
        REQUIRE(bits(together) ==
                bits({one_by_one.begin(),
                      one_by_one.begin() + static_cast<std::ptrdiff_t>(tokens * rows)}));
      }
    }
  }
}

TEMPLATE_TEST_CASE("rows come out of panels as they went in", "", F32, F16, BF16, Q8_0, Q4_0) {
  using Block = typename TestType::Block;
  constexpr std::size_t blocks = 3, cols = blocks * TestType::block_size;
  for (const std::size_t rows : {1u, 16u, 17u, 64u, 65u, 140u}) {
    const PanelLayout layout = PanelLayout::of<TestType>(rows, cols);
    Random random(rows);
    std::vector<Block> in(rows * blocks), out(rows * blocks);
    for (Block& block : in) {
      std::uint8_t bytes[sizeof(Block)];
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
      std::memcpy(&block, bytes, sizeof block);
    }
    const auto panels = in_panels<TestType>(in.data(), layout, cols);
    for (std::size_t r = 0; r < rows; ++r) {
      get_row(panels.data(), layout, r, 1, blocks - 1, &out[r * blocks + 1]);
      get_row(panels.data(), layout, r, 0, 1, &out[r * blocks]);
    }
    REQUIRE(std::memcmp(in.data(), out.data(), in.size() * sizeof(Block)) == 0);
  }
}

TEST_CASE("rms_norm equals the reference") {
  for (const std::size_t n : odd_sizes()) {
    const auto x = random_values(5, n, 3.0f);
    const auto gain = random_values(6, n);
    std::vector<double> expected(n);
    reference::rms_norm(widen(x).data(), widen(gain).data(), 1e-5, n, expected.data());
    std::vector<float> out(n);
    kernels::rms_norm(x.data(), gain.data(), 1e-5f, n, out.data());
    REQUIRE(all_close(out, expected, 1e-6, 1e-12));
    std::vector<float> in_place = x;
    kernels::rms_norm(in_place.data(), gain.data(), 1e-5f, n, in_place.data());
    REQUIRE(bits(in_place) == bits(out));
  }
}

TEST_CASE("add_to equals the reference exactly") {
  for (const std::size_t n : odd_sizes()) {
    auto x = random_values(7, n);
    const auto before = x;
    const auto y = random_values(8, n);
    kernels::add_to(x.data(), y.data(), n);
    for (std::size_t i = 0; i < n; ++i) REQUIRE(x[i] == before[i] + y[i]);
  }
}

TEST_CASE("exp is accurate to about one unit in the last place, and total") {
  namespace simd = kernels::simd;
  const auto exp = [](float x) {
    constexpr simd::NativeFloats d;
    return simd::first_lane(d, simd::exp(d, simd::set(d, x)));
  };
  double worst = 0;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const float x = 87.0f * uniform_at(9, i);
    const double expected = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(exp(x) - expected) / expected);
  }
  CHECK(worst < 1.5 * 0x1p-23);
  CHECK(exp(0.0f) == 1.0f);
  CHECK(exp(-0.0f) == 1.0f);
  CHECK(exp(-87.4f) == 0.0f);
  CHECK(exp(-1e30f) == 0.0f);
  CHECK(exp(-std::numeric_limits<float>::infinity()) == 0.0f);
  CHECK(exp(1e30f) > 3.3e38f);
  CHECK(std::isfinite(exp(std::numeric_limits<float>::infinity())));
  CHECK(exp(-87.3f) > std::numeric_limits<float>::min());
  CHECK(std::isnan(exp(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("swiglu equals the reference, cut anywhere to the same bits") {
  for (const std::size_t n : odd_sizes()) {
    const auto gate = random_values(10, n, 20.0f);
    const auto up = random_values(11, n);
    auto expected = widen(gate);
    reference::swiglu(expected.data(), widen(up).data(), n);
    auto out = gate;
    kernels::swiglu(out.data(), up.data(), n);
    REQUIRE(all_close(out, expected, 1e-6, 1e-12));
    auto parts = gate;
    kernels::swiglu(parts.data(), up.data(), n / 2);
    kernels::swiglu(parts.data() + n / 2, up.data() + n / 2, n - n / 2);
    REQUIRE(bits(parts) == bits(out));
  }
}

TEST_CASE("what choosing a token asks of logits equals plain loops") {
  constexpr float inf = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  auto sizes = odd_sizes();
  for (const std::size_t n : {511u, 512u, 513u, 1100u}) sizes.push_back(n);
  for (const std::size_t n : sizes) {
    const auto x = random_values(13, n, 5.0f), weights = random_values(14, n);
    for (const std::size_t at : {std::size_t{0}, n / 2, n - 1}) {
      auto peak = x;
      peak[at] = 9;
      peak[(at + 1) % n] = n == 1 ? 9 : nan;
      REQUIRE(kernels::largest(peak.data(), n) == 9);
      peak[at] = inf;
      REQUIRE(kernels::largest(peak.data(), n) == inf);
    }
    REQUIRE(kernels::largest(std::vector<float>(n, nan).data(), n) == -inf);

    const float top = kernels::largest(x.data(), n);
    double sum = 0, above = 0, count = 0;
    std::vector<double> expected(n);
    for (std::size_t i = 0; i < n; ++i) {
      sum += double{weights[i]};
      if (x[i] > 0.5f) above += double{weights[i]}, ++count;
      expected[i] = std::exp((double{x[i]} - double{top}) / double{0.7f});
    }
    REQUIRE(kernels::sum_of(weights.data(), n) == Approx(sum).margin(1e-4));
    REQUIRE(kernels::count_above<2>(x.data(), {0.5f, top}, n) == std::array<double, 2>{count, 0});
    const auto sums = kernels::sum_above<3>(x.data(), {-inf, 0.5f, top}, weights.data(), n);
    REQUIRE(sums[0] == Approx(sum).margin(1e-4));
    REQUIRE(sums[1] == Approx(above).margin(1e-4));
    REQUIRE(sums[2] == 0);
    for (const float bound : {-inf, -1.0f, 0.5f, top, inf}) {
      auto ranks = x, floats = weights;
      std::vector<std::int32_t> numbers(n);
      std::iota(numbers.begin(), numbers.end(), -3);
      ranks[n / 3] = nan;  // is above nothing
      std::size_t kept = 0;
      const std::size_t found =
          kernels::keep_above(ranks.data(), bound, n, numbers.data(), ranks.data(), floats.data());
      for (std::size_t i = 0; i < n; ++i) {
        if (i == n / 3 || !(x[i] > bound)) continue;
        REQUIRE(kept < found);
        REQUIRE(numbers[kept] == static_cast<std::int32_t>(i) - 3);
        REQUIRE(ranks[kept] == x[i]);
        REQUIRE(floats[kept++] == weights[i]);
      }
      REQUIRE(kept == found);
    }
    std::vector<float> out(n);
    kernels::softmax_weights(x.data(), n, top, 0.7f, out.data());
    REQUIRE(all_close(out, expected, 1e-5, 1e-37));
    double logs = 0;
    std::vector<double> distances(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double log = (double{x[i]} - double{top}) / double{0.7f};
      logs += double{weights[i]} * log;
      distances[i] = -std::abs(log + 2);
    }
    REQUIRE(kernels::sum_of_logs(x.data(), weights.data(), n, top, 0.7f) ==
            Approx(logs).epsilon(1e-5).margin(1e-2));
    std::vector<float> close(n);
    kernels::closeness(x.data(), n, top, 0.7f, -2, close.data());
    REQUIRE(all_close(close, distances, 1e-5, 1e-5));
    auto infinite = x;
    infinite[n - 1] = inf;
    kernels::softmax_weights(infinite.data(), n, inf, 0.7f, out.data());
    for (std::size_t i = 0; i < n; ++i) REQUIRE(out[i] == (i + 1 == n ? 1 : 0));
  }
}

namespace {

template <std::size_t HeadDim>
void check_rotate() {
  constexpr std::size_t heads = 3;
  const auto x = random_values(12, heads * HeadDim);
  auto expected = widen(x);
  reference::rotate(expected.data(), heads, HeadDim, 1234.0, 10000.0);
  std::vector<float> cosines(HeadDim), sines(HeadDim);
  for (std::size_t i = 0; i < HeadDim; i += 2) {
    const double angle =
        1234.0 * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(HeadDim));
    cosines[i] = cosines[i + 1] = static_cast<float>(std::cos(angle));
    sines[i] = -static_cast<float>(std::sin(angle));
    sines[i + 1] = -sines[i];
  }
  auto out = x;
  kernels::rotate<HeadDim>(out.data(), cosines.data(), sines.data(), heads);
  for (std::size_t i = 0; i < out.size(); ++i) REQUIRE(out[i] == Approx(expected[i]).margin(3e-7));
}

/// What the cache makes of a key or value.
template <class K>
std::vector<float> as_cached(const float* x, std::size_t n) {
  std::vector<float> result(n);
  if constexpr (std::is_same_v<K, Q8_0>) {
    const Quantised blocks = quantised(x, n);
    for (std::size_t i = 0; i < n; ++i)
      result[i] = to_float(to_half(blocks[i / 32].scale)) * blocks[i / 32].q[i % 32];
  } else {
    std::vector<typename K::Block> rounded(n);
    K::encode(x, rounded.data(), n);
    K::decode(rounded.data(), result.data(), n);
  }
  return result;
}

template <class K, std::size_t HeadDim>
void check_attend() {
  constexpr std::size_t page = kv_page_positions;
  using Head = KvHead<K, HeadDim, page>;
  static_assert(sizeof(Head) == 2 * page * K::kv_bytes(HeadDim));
  constexpr std::size_t pages = 4;
  constexpr std::size_t head = 1;  // the second of each page
  const auto q = random_values(13, HeadDim, 4.0f);
  const auto keys = random_values(14, pages * page * HeadDim);
  const auto values = random_values(15, pages * page * HeadDim);
  std::vector<Head> memory(pages * 2);
  // What was never written must not matter: poison, NaN in every float.
  std::memset(static_cast<void*>(memory.data()), 0xFF, memory.size() * sizeof(Head));
  std::vector<const Head*> addresses(pages);
  std::vector<float> cached_keys(keys.size()), cached_values(values.size());
  for (std::size_t p = 0; p < pages; ++p) addresses[p] = &memory[2 * p];
  std::size_t written = 0;
  for (const std::size_t count :
       {std::size_t{1}, std::size_t{2}, page - 1, page, page + 1, 2 * page + 17, pages * page}) {
    for (; written < count; ++written) {
      const std::size_t at = written * HeadDim;
      kernels::store_key_value(&keys[at], &values[at], memory[2 * (written / page) + head],
                               written % page);
      std::ranges::copy(as_cached<K>(&keys[at], HeadDim), &cached_keys[at]);
      std::ranges::copy(as_cached<K>(&values[at], HeadDim), &cached_values[at]);
    }
    std::vector<double> expected(HeadDim);
    reference::attend(widen(q).data(), widen(cached_keys).data(), widen(cached_values).data(),
                      HeadDim, HeadDim, count, expected.data());
    std::vector<float> out(HeadDim);
    kernels::attend(q.data(), addresses.data(), head, count, 1, 1, HeadDim, out.data());
    for (std::size_t i = 0; i < HeadDim; ++i) REQUIRE(out[i] == Approx(expected[i]).margin(2e-6));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("keys are rotated where they lie, and positions are copied", "", F32, F16,
                   Q8_0) {
  constexpr std::size_t page = kv_page_positions, size = 40;  // a last group of 8
  using Head = KvHead<TestType, size, page>;
  const auto keys = random_values(41, page * size), values = random_values(42, page * size);
  std::vector<Head> memory(2);
  Head &head = memory[0], &other = memory[1];
  for (std::size_t p = 0; p < page; ++p)
    kernels::store_key_value(&keys[p * size], &values[p * size], head, p);
  other = head;
  std::vector<float> cosines(size), sines(size);
  for (std::size_t i = 0; i < size; i += 2) {
    const double angle =
        -64.0 * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(size));
    cosines[i] = cosines[i + 1] = static_cast<float>(std::cos(angle));
    sines[i] = -static_cast<float>(std::sin(angle));
    sines[i + 1] = -sines[i];
  }
  kernels::rotate_keys(head, cosines.data(), sines.data());

  const auto key_of = [](const Head& from, std::size_t p) {
    std::vector<float> key(size);
    for (std::size_t i = 0; i < size; ++i)
      if constexpr (std::is_same_v<TestType, Q8_0>)
        key[i] = static_cast<float>(from.keys[i][p]) * to_float(from.key_scales[i / 32][p]);
      else
        TestType::decode(&from.keys[i][p], &key[i], 1);
    return key;
  };
  for (std::size_t p = 0; p < page; ++p) {
    // From what the cache had of the key, so that only the rotation is measured.
    auto expected = widen(key_of(other, p));
    reference::rotate(expected.data(), 1, size, -64.0, 10000.0);
    const auto key = key_of(head, p);
    for (std::size_t i = 0; i < size; ++i) {
      double largest = 0;  // of the group that shares a scale
      for (std::size_t g = i / 32 * 32; g < std::min(size, i / 32 * 32 + 32); ++g)
        largest = std::max(largest, std::abs(expected[g]));
      const double bound = std::is_same_v<TestType, Q8_0>  ? largest / 127
                           : std::is_same_v<TestType, F16> ? 0x1p-10 * std::abs(expected[i])
                                                           : 0;
      REQUIRE(std::abs(double{key[i]} - expected[i]) <= bound + 3e-7);
    }
  }
  REQUIRE(std::memcmp(head.values, other.values, sizeof head.values) == 0);
  if constexpr (std::is_same_v<TestType, Q8_0>)
    REQUIRE(std::memcmp(head.value_scales, other.value_scales, sizeof head.value_scales) == 0);

  // Positions 5 to 19 of another page: theirs, and no others.
  const Head before = head;
  for (std::size_t p = 0; p < page; ++p)
    kernels::store_key_value(&values[p * size], &keys[p * size], other, p);
  head.copy_positions(other, 5, 20);
  Head expected = before;
  for (std::size_t p = 5; p < 20; ++p)
    kernels::store_key_value(&values[p * size], &keys[p * size], expected, p);
  REQUIRE(std::memcmp(&head, &expected, sizeof head) == 0);
}

TEST_CASE("rotate equals the reference for every way of cutting a head into vectors") {
  check_rotate<2>();
  check_rotate<6>();
  check_rotate<8>();
  check_rotate<12>();
  check_rotate<48>();
  check_rotate<80>();
  check_rotate<128>();
}

TEMPLATE_TEST_CASE("attend equals the reference", "", F32, F16, Q8_0) {
  check_attend<TestType, 2>();
  check_attend<TestType, 8>();
  check_attend<TestType, 20>();
  check_attend<TestType, 48>();
  check_attend<TestType, 128>();
}

/// Queries in company get the bits that they get alone.
template <class K, std::size_t HeadDim>
void check_attend_together() {
  constexpr std::size_t page = kv_page_positions;
  using Head = KvHead<K, HeadDim, page>;
  constexpr std::size_t positions = 2 * page + 30;
  std::vector<Head> memory(3);
  std::memset(static_cast<void*>(memory.data()), 0xFF, memory.size() * sizeof(Head));
  const Head* const addresses[] = {&memory[0], &memory[1], &memory[2]};
  const auto keys = random_values(17, positions * HeadDim, 2.0f);
  const auto values = random_values(18, positions * HeadDim);
  for (std::size_t i = 0; i < positions; ++i)
    kernels::store_key_value(&keys[i * HeadDim], &values[i * HeadDim], memory[i / page], i % page);
  struct Cut {
    std::size_t count, tokens, heads;
  };
  for (const auto& [count, tokens, heads] :
       {Cut{1, 1, 7}, Cut{1, 8, 1}, Cut{1, positions, 1}, Cut{page - 2, 5, 3}, Cut{page - 3, 7, 1},
        Cut{page, 2, 8}, Cut{page + 1, 13, 4}, Cut{40, 60, 2}, Cut{positions - 1, 2, 61}}) {
    if (HeadDim > 200 && tokens * heads > 16) continue;  // for the sanitizers' sake
    const std::size_t stride = heads * HeadDim + 3;
    const auto q = random_values(19, tokens * stride, 3.0f);
    std::vector<float> out(tokens * stride, -1.0f), alone(HeadDim);
    kernels::attend(q.data(), addresses, 0, count, tokens, heads, stride, out.data());
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t h = 0; h < heads; ++h) {
        const std::size_t at = t * stride + h * HeadDim;
        kernels::attend(&q[at], addresses, 0, count + t, 1, 1, 0, alone.data());
        REQUIRE(std::memcmp(alone.data(), &out[at], HeadDim * sizeof(float)) == 0);
      }
      REQUIRE(out[t * stride + heads * HeadDim] == -1.0f);  // the gap
    }
  }
}

TEMPLATE_TEST_CASE("queries of a key/value head have the same bits together as alone", "", F32, F16,
                   Q8_0) {
  check_attend_together<TestType, 20>();
  check_attend_together<TestType, 48>();
  check_attend_together<TestType, 128>();
  // Six at a time, and one.
  if constexpr (std::is_same_v<TestType, Q8_0>) check_attend_together<TestType, 144>();
  if constexpr (std::is_same_v<TestType, F32>) check_attend_together<TestType, 1030>();
}

TEMPLATE_TEST_CASE("scores that overflow or are not numbers show in the result", "", F32, Q8_0) {
  using Head = KvHead<TestType, 8, kv_page_positions>;
  std::vector<Head> memory(1);
  const Head* const address = memory.data();
  const std::vector<float> huge(8, 3e38f), small(8, 1e-3f), zeros(8);
  std::vector<float> out(8);
  kernels::store_key_value(huge.data(), zeros.data(), memory[0], 0);
  kernels::attend(huge.data(), &address, 0, 1, 1, 1, 8, out.data());
  for (const float value : out) CHECK(std::isnan(value));  // damage shows
  kernels::store_key_value(small.data(), zeros.data(), memory[0], 0);
  kernels::attend(small.data(), &address, 0, 1, 1, 1, 8, out.data());
  for (const float value : out) CHECK(value == 0.0f);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> value = small;
    value[3] = bad;
    kernels::store_key_value(small.data(), value.data(), memory[0], 0);
    kernels::attend(small.data(), &address, 0, 1, 1, 1, 8, out.data());
    CHECK_FALSE(std::isfinite(out[3]));
  }
}

TEST_CASE("conversions in registers equal the scalar codec") {
  const auto same = [](float a, float b) {
    return std::isnan(a) ? std::isnan(b)
                         : std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  };
  bool all_equal = true;
  namespace simd = kernels::simd;
  constexpr simd::NativeFloats d;
  for (std::uint32_t i = 0; i < 65536; i += lanes) {
    Half halves[lanes];
    BFloat16 bfloats[lanes];
    for (std::uint32_t j = 0; j < lanes; ++j) {
      halves[j].bits = static_cast<std::uint16_t>(i + j);
      bfloats[j].bits = static_cast<std::uint16_t>(i + j);
    }
    float from_half[lanes], from_bfloat[lanes];
    simd::store(d, simd::load(d, halves), from_half);
    simd::store(d, simd::load(d, bfloats), from_bfloat);
    for (std::size_t j = 0; j < lanes; ++j)
      all_equal = all_equal && same(from_half[j], to_float(halves[j])) &&
                  same(from_bfloat[j], to_float(bfloats[j]));
  }
  CHECK(all_equal);
  Random random(16);
  for (int round = 0; round < 200'000; ++round) {
    float values[lanes];
    for (float& value : values) {
      const auto pattern = static_cast<std::uint32_t>(random());
      value = std::bit_cast<float>(pattern);
      if (round % 2 == 0) {  // around binary16's range, ties included
        const auto exponent = (pattern >> 8) % 48 + 96;
        value = std::bit_cast<float>((pattern & 0x807FF000u) | (exponent << 23));
      }
    }
    Half halves[lanes];
    simd::store(d, simd::load(d, values), halves);
    for (std::size_t j = 0; j < lanes; ++j)
      all_equal = all_equal && same(to_float(halves[j]), to_float(to_half(values[j])));
  }
  CHECK(all_equal);
}

TEMPLATE_TEST_CASE("weights are converted to the scalar codec's bits", "", F32, F16, BF16, Q8_0,
                   Q4_0) {
  using F = TestType;
  constexpr float inf = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float tiny = std::numeric_limits<float>::denorm_min();
  Random random(19);
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t n = 1 + random() % 130;
    std::vector<float> x(n);
    for (float& value : x) value = static_cast<float>(2 * random.uniform() - 1);
    const auto some = [&]() -> float& { return x[random() % n]; };
    switch (round % 8) {
      case 0:  // halves of a scale of 1: ties everywhere
        for (float& value : x) value = std::round(2 * 127 * value) / 2;
        some() = 127;
        break;
      case 1:  // both signs of the extreme
        some() = 1;
        some() = -1;
        break;
      case 2:
        for (int i = 0; i < 5; ++i) some() = round % 16 == 2 ? nan : -inf;
        some() = inf;
        break;
      case 3:
        for (float& value : x) value *= 1e3f * tiny;
        break;
      case 4:
        for (float& value : x) value *= 1e38f;
        break;
      case 5:
        std::ranges::fill(x, round % 16 == 5 ? 0.0f : -0.0f);
        break;
      default:
        break;
    }
    std::vector<typename F::Block> expected(row_blocks<F>(n)), blocks(row_blocks<F>(n));
    F::encode(x.data(), expected.data(), n);
    kernels::encode<F>(x.data(), blocks.data(), n);
    REQUIRE(std::memcmp(blocks.data(), expected.data(), row_bytes<F>(n)) == 0);
    std::vector<float> values(n), decoded(n);
    F::decode(blocks.data(), values.data(), n);
    kernels::decode<F>(blocks.data(), decoded.data(), n);
    REQUIRE(bits(decoded) == bits(values));
  }
}

TEMPLATE_TEST_CASE("partial loads read nothing beyond, and give zeros", "", F32, F16, BF16) {
  namespace simd = kernels::simd;
  constexpr simd::NativeFloats d;
  using Block = typename TestType::Block;
  for (std::size_t n = 1; n < lanes; ++n) {
    const auto values = random_values(17, n);
    std::vector<Block> exact(n);  // AddressSanitizer sees a read beyond it
    TestType::encode(values.data(), exact.data(), n);
    float out[lanes];
    simd::store(d, simd::load_first(d, exact.data(), n), out);
    for (std::size_t i = 0; i < lanes; ++i) REQUIRE(out[i] == (i < n ? to_float(exact[i]) : 0.0f));
    std::vector<float> target(n);
    simd::store_first(d, simd::set(d, 2.5f), target.data(), n);
    REQUIRE(std::ranges::all_of(target, [](float v) { return v == 2.5f; }));
  }
}

namespace {

/// A quantised vector's values, exactly.
std::vector<double> values_of(const Quantised& blocks, std::size_t n) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i)
    values[i] = double{blocks[i / 32].scale} * blocks[i / 32].q[i % 32];
  return values;
}

}  // namespace

TEST_CASE("activations are quantised to the nearest multiple of the largest over 127") {
  for (const std::size_t n : {1u, 5u, 31u, 32u, 33u, 64u, 172u}) {
    const auto x = random_values(18, n, 3.0f);
    const auto blocks = quantised(x.data(), n);
    const auto values = values_of(blocks, n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t first = i / 32 * 32;
      float largest = 0;
      for (std::size_t j = first; j < std::min(n, first + 32); ++j)
        largest = std::max(largest, std::abs(x[j]));
      REQUIRE(blocks[i / 32].scale == largest / 127.0f);
      REQUIRE(std::abs(values[i] - x[i]) <= 0.5001 * blocks[i / 32].scale);
    }
    for (std::size_t i = n; i < blocks.size() * 32; ++i) REQUIRE(blocks[i / 32].q[i % 32] == 0);
  }
  kernels::QuantisedBlock zeros;
  kernels::quantise(std::vector<float>(32).data(), 32, zeros);
  CHECK(zeros.scale == 0.0f);
  CHECK(std::ranges::all_of(zeros.q, [](int q) { return q == 0; }));
  // An infinity or NaN anywhere spoils the block.
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (std::size_t at = 0; at < 32; ++at) {
      std::vector<float> x(32, 1e-45f);
      x[at] = bad;
      kernels::QuantisedBlock block;
      kernels::quantise(x.data(), 32, block);
      REQUIRE(std::isnan(block.scale));
    }
}

TEMPLATE_TEST_CASE("quantised products equal the reference, and any tile the same bits", "", Q8_0,
                   Q4_0) {
  using Block = typename TestType::Block;
  for (const std::size_t cols : {1u, 31u, 32u, 33u, 64u, 172u, 256u}) {
    for (const std::size_t rows : {1u, 16u, 35u, 50u, 64u, 77u}) {
      constexpr std::size_t most_tokens = 9;
      const std::size_t blocks = row_blocks<TestType>(cols);
      const PanelLayout layout = PanelLayout::of<TestType>(rows, cols);
      std::vector<Block> w(rows * blocks);
      std::vector<double> wide_w(rows * cols), wide_x;
      for (std::size_t r = 0; r < rows; ++r) {
        const auto row = random_values(100 + r, cols);
        TestType::encode(row.data(), &w[r * blocks], cols);
        std::vector<float> decoded(cols);
        TestType::decode(&w[r * blocks], decoded.data(), cols);
        std::ranges::copy(decoded, &wide_w[r * cols]);
      }
      const auto x = random_values(19, most_tokens * cols, 2.0f);
      for (std::size_t t = 0; t < most_tokens; ++t) {
        const auto values = values_of(quantised(&x[t * cols], cols), cols);
        wide_x.insert(wide_x.end(), values.begin(), values.end());
      }
      std::vector<double> expected(most_tokens * rows);
      reference::matmul(wide_w.data(), rows, cols, wide_x.data(), most_tokens, expected.data());
      const auto panels = in_panels<TestType>(w.data(), layout, cols);
      std::vector<float> one_by_one(most_tokens * rows);
      bool within_bounds = true;
      for (std::size_t t = 0; t < most_tokens; ++t) {
        test::matmul<TestType>(panels, layout, cols, &x[t * cols], 1, &one_by_one[t * rows]);
        for (std::size_t r = 0; r < rows; ++r)
          within_bounds =
              within_bounds && std::abs(one_by_one[t * rows + r] - expected[t * rows + r]) <=
                                   dot_bound(&wide_w[r * cols], &wide_x[t * cols], cols);
      }
      REQUIRE(within_bounds);
      for (const std::size_t tokens : {2u, 5u, 6u, 9u}) {
        std::vector<float> together(tokens * rows);
        test::matmul<TestType>(panels, layout, cols, x.data(), tokens, together.data());
        REQUIRE(bits(together) ==
                bits({one_by_one.begin(),
                      one_by_one.begin() + static_cast<std::ptrdiff_t>(tokens * rows)}));
      }
    }
  }
}

TEMPLATE_TEST_CASE("products of more columns than are taken at a time have the same bits", "", F32,
                   F16, BF16, Q8_0, Q4_0) {
  using Block = typename TestType::Block;
  constexpr std::size_t step =
      kernels::detail::depth_step<TestType> * PanelBlock<TestType>::cols;  // columns
  constexpr std::size_t cols = 2 * step + 77, rows = 67, tokens = 9;
  const PanelLayout layout = PanelLayout::of<TestType>(rows, cols);
  std::vector<Block> blocks;
  std::vector<double> wide_w;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = random_values(200 + r, cols);
    std::vector<Block> encoded(row_blocks<TestType>(cols));
    TestType::encode(row.data(), encoded.data(), cols);
    std::vector<float> decoded(cols);
    TestType::decode(encoded.data(), decoded.data(), cols);
    blocks.insert(blocks.end(), encoded.begin(), encoded.end());
    wide_w.insert(wide_w.end(), decoded.begin(), decoded.end());
  }
  const auto x = random_values(20, tokens * cols, 2.0f);
  const auto panels = in_panels<TestType>(blocks.data(), layout, cols);
  std::vector<float> together(tokens * rows), one_by_one(tokens * rows);
  test::matmul<TestType>(panels, layout, cols, x.data(), tokens, together.data());
  for (std::size_t t = 0; t < tokens; ++t)
    test::matmul<TestType>(panels, layout, cols, &x[t * cols], 1, &one_by_one[t * rows]);
  REQUIRE(bits(together) == bits(one_by_one));

  std::vector<double> wide_x;
  if constexpr (activation_form<TestType> == ActivationForm::quads)
    for (std::size_t t = 0; t < tokens; ++t) {
      const auto values = values_of(quantised(&x[t * cols], cols), cols);
      wide_x.insert(wide_x.end(), values.begin(), values.end());
    }
  else
    wide_x = widen(as_multiplied<TestType>(x));
  std::vector<double> expected(tokens * rows);
  reference::matmul(wide_w.data(), rows, cols, wide_x.data(), tokens, expected.data());
  bool within_bounds = true;
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t r = 0; r < rows; ++r)
      within_bounds = within_bounds && std::abs(together[t * rows + r] - expected[t * rows + r]) <=
                                           dot_bound(&wide_w[r * cols], &wide_x[t * cols], cols);
  CHECK(within_bounds);
}

TEST_CASE("quantised products are exact at the extremes of every integer") {
  BlockQ8_0 w8{.scale = to_half(1.0f), .q = {}};
  BlockQ4_0 w4{.scale = to_half(1.0f), .q = {}};
  const PanelLayout layout = PanelLayout::of<Q8_0>(1, 32);
  const auto product = [&]<class F>(F, const typename F::Block& w, int activation) {
    const std::vector<float> x(32, static_cast<float>(activation));  // its scale is 1
    float y = 0;
    test::matmul<F>(in_panels<F>(&w, layout, 32), layout, 32, x.data(), 1, &y);
    return y;
  };
  for (const int weight : {-128, -127, 127})
    for (const int activation : {-127, 127}) {
      std::ranges::fill(w8.q, static_cast<std::int8_t>(weight));
      CHECK(product(Q8_0(), w8, activation) == static_cast<float>(32 * weight * activation));
    }
  for (const auto& [byte, weight] : {std::pair<std::uint8_t, int>{0x00, -8}, {0xFF, 7}})
    for (const int activation : {-127, 127}) {
      std::ranges::fill(w4.q, byte);
      CHECK(product(Q4_0(), w4, activation) == static_cast<float>(32 * weight * activation));
    }
}

LLAMA2_TARGET_END;

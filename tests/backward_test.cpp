// The backward kernels: their plain twins against finite differences in double, and each kernel of
// the compiled target against its twin in double, at odd sizes.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "llama2/kernels/backward_reference.hpp"
#include "llama2/kernels/kernels.hpp"
#include "llama2/kernels/training_kernels.hpp"
#include "panels.hpp"
#include "random_values.hpp"

using namespace llama2;

namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

Doubles random_doubles(std::uint64_t seed, std::size_t n) {
  return widen(random_values(seed, n));
}

double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The gradient of loss() by x, which it reads, by central differences of fourth order: their own
/// error is of the order of step^4 and of the rounding over the step.
Doubles differences(Doubles& x, const std::function<double()>& loss) {
  constexpr double step = 1e-3;
  Doubles result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at = x[i];
    const auto loss_at = [&](double value) {
      x[i] = value;
      return loss();
    };
    const double one = loss_at(at + step) - loss_at(at - step);
    const double two = loss_at(at + 2 * step) - loss_at(at - 2 * step);
    result[i] = (8 * one - two) / (12 * step);
    x[i] = at;
  }
  return result;
}

/// The norm of the difference, relative to that of what is expected.
template <class Values>
double distance(const Values& values, const Doubles& expected) {
  double squares = 0, all = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = static_cast<double>(values[i]) - expected[i];
    squares += error * error;
    all += expected[i] * expected[i];
  }
  return values.size() != expected.size() ? 1 : std::sqrt(squares / (all + 1e-300));
}

constexpr double exact = 1e-8;  // for a reference in double; asked for is 1e-6

/// Whether every value is within `bound` of the expected one, relative to the largest of those, or
/// to `terms` where sums of terms so large may cancel.
bool all_close(const Floats& values, const Doubles& expected, double bound, double terms = 0) {
  double largest = terms;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(values[i] - expected[i]) <= bound * largest) continue;
    UNSCOPED_INFO("element " << i << " is " << values[i] << ", not " << expected[i]);
    return false;
  }
  return values.size() == expected.size();
}

std::vector<std::uint32_t> bits(const Floats& values) {
  std::vector<std::uint32_t> result;
  for (const float value : values) result.push_back(std::bit_cast<std::uint32_t>(value));
  return result;
}

/// Every element of cosines and sines as the kernels take them, at some angle.
template <class T>
void fill_rotation(std::vector<T>& cosines, std::vector<T>& sines) {
  for (std::size_t i = 0; i < cosines.size(); ++i) {
    const double angle = 0.3 + 1.7 * static_cast<double>(i / 2);
    cosines[i] = static_cast<T>(std::cos(angle));
    sines[i] = static_cast<T>(i % 2 == 0 ? -std::sin(angle) : std::sin(angle));
  }
}

/// Causal attention of `heads` query heads over `heads / group` key/value heads.
void attend_all(const Doubles& q, const Doubles& k, const Doubles& v, std::size_t tokens,
                std::size_t heads, std::size_t group, std::size_t size, Doubles& out) {
  const std::size_t kv_stride = heads / group * size;
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t at = (t * heads + h) * size;
      reference::attend(&q[at], &k[h / group * size], &v[h / group * size], kv_stride, size, t + 1,
                        &out[at]);
    }
}

}  // namespace

TEST_CASE("a product's gradients are those of finite differences") {
  constexpr std::size_t rows = 5, cols = 4, tokens = 3;
  auto w = random_doubles(1, rows * cols), x = random_doubles(2, tokens * cols);
  const auto dy = random_doubles(3, tokens * rows);
  const auto loss = [&] {
    Doubles y(tokens * rows);
    reference::matmul(w.data(), rows, cols, x.data(), tokens, y.data());
    return dot(y, dy);
  };
  Doubles dx(x.size(), 7.0), dw(w.size());
  reference::linear_backward_input(dy.data(), w.data(), rows, cols, tokens, false, dx.data());
  reference::linear_backward_weights(dy.data(), rows, x.data(), rows, cols, tokens, dw.data());
  CHECK(distance(dx, differences(x, loss)) < exact);
  CHECK(distance(dw, differences(w, loss)) < exact);
}

TEST_CASE("the norm's gradients are those of finite differences") {
  constexpr std::size_t n = 6, tokens = 3;
  auto x = random_doubles(1, tokens * n), gain = random_doubles(2, n);
  const auto dy = random_doubles(3, tokens * n);
  const auto loss = [&] {
    Doubles y(x.size());
    for (std::size_t t = 0; t < tokens; ++t)
      reference::rms_norm(&x[t * n], gain.data(), 0.1, n, &y[t * n]);
    return dot(y, dy);
  };
  Doubles dx(x.size()), dgain(n);
  reference::rms_norm_backward(x.data(), gain.data(), 0.1, dy.data(), n, tokens, dx.data(),
                               dgain.data());
  CHECK(distance(dx, differences(x, loss)) < exact);
  CHECK(distance(dgain, differences(gain, loss)) < exact);
}

TEST_CASE("the rotation's gradient is that of finite differences") {
  constexpr std::size_t heads = 2, size = 6;
  auto x = random_doubles(1, heads * size);
  const auto dy = random_doubles(2, x.size());
  const double position = 3, theta = 10;
  Doubles cosines(size), sines(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double angle = position * std::pow(theta, -static_cast<double>(i - i % 2) / size);
    cosines[i] = std::cos(angle);
    sines[i] = i % 2 == 0 ? -std::sin(angle) : std::sin(angle);
  }
  auto dx = dy;
  reference::rotate_backward(dx.data(), cosines.data(), sines.data(), heads, size);
  CHECK(distance(dx, differences(x, [&] {
                   auto y = x;
                   reference::rotate(y.data(), heads, size, position, theta);
                   return dot(y, dy);
                 })) < exact);
}

TEST_CASE("the gate's gradients are those of finite differences") {
  constexpr std::size_t n = 7;
  auto gate = random_doubles(1, n), up = random_doubles(2, n);
  const auto dy = random_doubles(3, n);
  for (double& g : gate) g *= 4;
  const auto product = [&] {
    auto y = gate;
    reference::swiglu(y.data(), up.data(), n);
    return y;
  };
  auto dgate = gate, dup = up, y = dy;
  reference::swiglu_backward(dgate.data(), dup.data(), y.data(), n);
  CHECK(distance(y, product()) < 1e-15);
  const auto loss = [&] { return dot(product(), dy); };
  CHECK(distance(dgate, differences(gate, loss)) < exact);
  CHECK(distance(dup, differences(up, loss)) < exact);
}

TEST_CASE("attention's gradients are those of finite differences") {
  constexpr std::size_t tokens = 5, heads = 4, size = 4;
  for (const std::size_t group : {1u, 2u, 4u}) {
    const std::size_t kv_heads = heads / group, dim = heads * size, kv_dim = kv_heads * size;
    auto q = random_doubles(1, tokens * dim), k = random_doubles(2, tokens * kv_dim);
    auto v = random_doubles(3, tokens * kv_dim);
    const auto dout = random_doubles(4, tokens * dim);
    Doubles out(tokens * dim);
    const auto loss = [&] {
      Doubles result(out.size());
      attend_all(q, k, v, tokens, heads, group, size, result);
      return dot(result, dout);
    };
    attend_all(q, k, v, tokens, heads, group, size, out);
    Doubles dq(q.size(), 7.0), dk(k.size(), 7.0), dv(v.size(), 7.0);
    for (std::size_t h = 0; h < kv_heads; ++h) {
      const std::size_t at = h * group * size, kv = h * size;
      reference::attention_backward(&q[at], &k[kv], &v[kv], &out[at], &dout[at], tokens, group,
                                    size, dim, kv_dim, &dq[at], &dk[kv], &dv[kv]);
    }
    CHECK(distance(dq, differences(q, loss)) < exact);
    CHECK(distance(dk, differences(k, loss)) < exact);
    CHECK(distance(dv, differences(v, loss)) < exact);
  }
}

TEST_CASE("the loss's gradients are those of finite differences") {
  constexpr std::size_t tokens = 4, dim = 3, vocab = 6;
  auto hidden = random_doubles(1, tokens * dim), head = random_doubles(2, vocab * dim);
  const Doubles weights = {0.5, 0, 2, -1};  // PPO's may be negative
  const std::vector<Token> targets = {2, 5, 0, 2};
  const auto loss = [&] {
    Doubles logits(tokens * vocab);
    reference::matmul(head.data(), vocab, dim, hidden.data(), tokens, logits.data());
    double sum = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
      double exponentials = 0;
      for (std::size_t i = 0; i < vocab; ++i) exponentials += std::exp(logits[t * vocab + i]);
      const double logit = logits[t * vocab + static_cast<std::size_t>(targets[t])];
      sum -= weights[t] * (logit - std::log(exponentials));
    }
    return sum;
  };
  Doubles dhidden(hidden.size(), 7.0), dhead(head.size());
  std::size_t calls = 0;
  reference::cross_entropy(
      hidden.data(), head.data(), tokens, dim, vocab, targets.data(),
      [&](std::size_t t, const double*) {
        CHECK(t == calls++);
        return weights[t];
      },
      dhidden.data(), dhead.data());
  CHECK(calls == tokens);
  CHECK(distance(dhidden, differences(hidden, loss)) < exact);
  CHECK(distance(dhead, differences(head, loss)) < exact);
}

TEST_CASE("an embedding's gradient is summed over its tokens") {
  const std::vector<Token> tokens = {2, 0, 2};
  const Floats dy = {1, 2, 3, 10, 20, 30, 100, 200, 300};
  Floats table(9, 0.5f);
  reference::embedding_backward(tokens.data(), 3, 3, dy.data(), table.data());
  CHECK(table == Floats{10.5f, 20.5f, 30.5f, 0.5f, 0.5f, 0.5f, 101.5f, 202.5f, 303.5f});
  Floats same(9, 0.5f);
  TrainingKernels::embedding_backward(tokens.data(), 3, 3, dy.data(), same.data());
  CHECK(same == table);
}

TEST_CASE("products of gradients equal the reference, in any company the same bits") {
  Floats scratch(TrainingKernels::linear_backward_scratch);
  struct Extents {
    std::size_t rows, cols, tokens;
  };
  for (const auto& [rows, cols, tokens] :
       {Extents{1, 1, 1}, Extents{3, 5, 2}, Extents{7, 8, 13}, Extents{16, 17, 6},
        Extents{64, 24, 11}, Extents{13, 70, 29}, Extents{200, 9, 300}, Extents{300, 83, 37},
        Extents{21, 130, 515}, Extents{530, 35, 200}}) {
    INFO(rows << " x " << cols << ", " << tokens << " tokens");
    const auto w = random_values(1, rows * cols), x = random_values(2, tokens * cols);
    const auto dy = random_values(3, tokens * rows);
    const auto wide_dy = widen(dy);
    for (const bool add : {false, true}) {
      auto dx = random_values(4, tokens * cols);
      auto expected = widen(dx);
      reference::linear_backward_input(wide_dy.data(), widen(w).data(), rows, cols, tokens, add,
                                       expected.data());
      auto by_parts = dx;
      TrainingKernels::linear_backward_input(dy.data(), w.data(), rows, cols, tokens, add,
                                             dx.data(), scratch.data());
      CHECK(all_close(dx, expected, 2e-6));
      for (std::size_t t = 0, n = 1; t < tokens; t += n, n = std::min(n + 3, tokens - t))
        TrainingKernels::linear_backward_input(&dy[t * rows], w.data(), rows, cols, n, add,
                                               &by_parts[t * cols], scratch.data());
      CHECK(bits(by_parts) == bits(dx));
    }
    auto dw = random_values(5, rows * cols);
    auto expected = widen(dw);
    reference::linear_backward_weights(wide_dy.data(), rows, widen(x).data(), rows, cols, tokens,
                                       expected.data());
    auto by_parts = dw, by_tokens = dw;
    TrainingKernels::linear_backward_weights(dy.data(), rows, x.data(), rows, cols, tokens,
                                             dw.data(), scratch.data());
    CHECK(all_close(dw, expected, 2e-6));
    for (std::size_t r = 0, n = 1; r < rows; r += n, n = std::min(n + 5, rows - r))
      TrainingKernels::linear_backward_weights(&dy[r], rows, x.data(), n, cols, tokens,
                                               &by_parts[r * cols], scratch.data());
    CHECK(bits(by_parts) == bits(dw));
    // One order of the sum's terms, wherever it is cut.
    for (std::size_t t = 0, n = 1; t < tokens; t += n, n = std::min(n + 7, tokens - t))
      TrainingKernels::linear_backward_weights(&dy[t * rows], rows, &x[t * cols], rows, cols, n,
                                               by_tokens.data(), scratch.data());
    CHECK(bits(by_tokens) == bits(dw));
  }
}

TEST_CASE("the norm's gradients equal the reference") {
  for (const std::size_t n : {1u, 3u, 8u, 31u, 64u, 172u}) {
    constexpr std::size_t tokens = 3;
    const auto x = random_values(1, tokens * n), gain = random_values(2, n);
    const auto dy = random_values(3, tokens * n);
    auto dx = random_values(4, tokens * n), dgain = random_values(5, n);
    auto wide_dx = widen(dx), wide_dgain = widen(dgain);
    constexpr float epsilon = 1e-5f;
    reference::rms_norm_backward(widen(x).data(), widen(gain).data(), static_cast<double>(epsilon),
                                 widen(dy).data(), n, tokens, wide_dx.data(), wide_dgain.data());
    TrainingKernels::rms_norm_backward(x.data(), gain.data(), epsilon, dy.data(), n, tokens,
                                       dx.data(), dgain.data());
    CHECK(all_close(dx, wide_dx, 2e-6));
    CHECK(all_close(dgain, wide_dgain, 2e-6));
  }
}

TEST_CASE("the rotation's gradient equals the reference, and is the transposed rotation") {
  constexpr std::size_t heads = 3;
  for (const std::size_t size : {2u, 4u, 6u, 8u, 12u, 24u, 48u, 64u, 128u}) {
    Floats cosines(size), sines(size);
    fill_rotation(cosines, sines);
    auto dx = random_values(1, heads * size);
    auto expected = widen(dx);
    reference::rotate_backward(expected.data(), widen(cosines).data(), widen(sines).data(), heads,
                               size);
    TrainingKernels::rotate_backward(dx.data(), cosines.data(), sines.data(), heads, size);
    CHECK(all_close(dx, expected, 1e-6));
  }
  Floats cosines(8), sines(8);
  fill_rotation(cosines, sines);
  auto x = random_values(2, 16);
  const auto before = widen(x);
  TrainingKernels::rotate<8>(x.data(), cosines.data(), sines.data(), 2);
  TrainingKernels::rotate_backward(x.data(), cosines.data(), sines.data(), 2, 8);
  CHECK(all_close(x, before, 1e-6));
}

TEST_CASE("the gate's gradients equal the reference") {
  for (const std::size_t n : {1u, 7u, 8u, 31u, 172u}) {
    auto gate = random_values(1, n, 12.0f), up = random_values(2, n), dy = random_values(3, n);
    auto wide_gate = widen(gate), wide_up = widen(up), wide_dy = widen(dy);
    reference::swiglu_backward(wide_gate.data(), wide_up.data(), wide_dy.data(), n);
    TrainingKernels::swiglu_backward(gate.data(), up.data(), dy.data(), n);
    CHECK(all_close(gate, wide_gate, 1e-6));
    CHECK(all_close(up, wide_up, 1e-6));
    CHECK(all_close(dy, wide_dy, 1e-6));
  }
  // Far out, where an exponential would overflow.
  Floats gate = {-200, 200, -88, 88}, up(4, 1.0f), dy(4, 1.0f);
  TrainingKernels::swiglu_backward(gate.data(), up.data(), dy.data(), 4);
  CHECK(all_close(gate, {0, 1, 0, 1}, 1e-6));
  CHECK(all_close(dy, {0, 200, 0, 88}, 1e-6));
}

TEST_CASE("the softmax's gradient equals the reference") {
  for (const std::size_t vocab : {1u, 2u, 7u, 8u, 9u, 31u, 32u, 512u, 1001u}) {
    auto logits = random_values(1, vocab, 20.0f);
    auto expected = widen(logits);
    const auto target = static_cast<Token>(vocab / 2);
    reference::softmax_backward(expected.data(), vocab, target, 0.25);
    TrainingKernels::softmax_backward(logits.data(), vocab, target, 0.25f);
    CHECK(all_close(logits, expected, 1e-6, 0.25));
  }
}

TEST_CASE("attention's gradients equal the reference") {
  for (const std::size_t size : {2u, 6u, 8u, 16u, 20u, 48u, 64u, 128u})
    for (const std::size_t tokens : {1u, 2u, 7u, 16u, 17u, 47u, 49u, 75u, 131u})
      for (const std::size_t group : {1u, 3u}) {
        INFO("heads of " << size << ", " << tokens << " tokens, " << group << " queries");
        constexpr std::size_t kv_heads = 2;
        const std::size_t stride = kv_heads * group * size, kv_stride = kv_heads * size;
        const auto q = random_values(1, tokens * stride, 2.0f);
        const auto k = random_values(2, tokens * kv_stride, 2.0f);
        const auto v = random_values(3, tokens * kv_stride),
                   dout = random_values(4, tokens * stride);
        const auto wide_q = widen(q), wide_k = widen(k), wide_v = widen(v), wide_dout = widen(dout);
        Doubles wide_out(q.size());
        attend_all(wide_q, wide_k, wide_v, tokens, kv_heads * group, group, size, wide_out);
        const Floats out(wide_out.begin(), wide_out.end());
        Doubles wide_dq(q.size()), wide_dk(k.size()), wide_dv(v.size());
        Floats dq(q.size(), 7.0f), dk(k.size(), 7.0f), dv(v.size(), 7.0f);
        // Whatever lies in the scratch memory must not show.
        Floats scratch(TrainingKernels::attention_backward_scratch(tokens, size),
                       std::numeric_limits<float>::quiet_NaN());
        for (std::size_t h = 0; h < kv_heads; ++h) {
          const std::size_t at = h * group * size, kv = h * size;
          reference::attention_backward(&wide_q[at], &wide_k[kv], &wide_v[kv], &wide_out[at],
                                        &wide_dout[at], tokens, group, size, stride, kv_stride,
                                        &wide_dq[at], &wide_dk[kv], &wide_dv[kv]);
          TrainingKernels::attention_backward(&q[at], &k[kv], &v[kv], &out[at], &dout[at], tokens,
                                              group, size, stride, kv_stride, &dq[at], &dk[kv],
                                              &dv[kv], scratch.data());
        }
        // The gradient of a score is a difference of sums of `size` terms.
        const double terms = std::sqrt(static_cast<double>(size));
        CHECK(all_close(dq, wide_dq, 2e-6, terms));
        CHECK(all_close(dk, wide_dk, 2e-6, terms));
        CHECK(all_close(dv, wide_dv, 4e-6));
      }
}

TEST_CASE("the loss's gradients equal the reference, and its logits a forward pass's bits") {
  struct Extents {
    std::size_t tokens, dim, vocab;
  };
  for (const auto& [tokens, dim, vocab] : {Extents{1, 4, 3}, Extents{2, 5, 19}, Extents{17, 64, 70},
                                           Extents{128, 20, 33}, Extents{259, 8, 130}}) {
    INFO(tokens << " tokens, " << dim << ", " << vocab);
    const auto hidden = random_values(1, tokens * dim, 3.0f), head = random_values(2, vocab * dim);
    auto dhead = random_values(3, vocab * dim);
    const auto weights = random_values(4, tokens);
    std::vector<Token> targets;
    for (std::size_t t = 0; t < tokens; ++t) targets.push_back(static_cast<Token>(t * 7 % vocab));
    const PanelLayout layout = PanelLayout::of<F32>(vocab, dim);
    const auto panels = test::in_panels<F32>(head.data(), layout, dim);
    Floats logits(tokens * vocab), seen;
    test::matmul<F32>(panels, layout, dim, hidden.data(), tokens, logits.data());

    const auto wide_hidden = widen(hidden), wide_head = widen(head);
    Doubles wide_dhidden(hidden.size());
    auto wide_dhead = widen(dhead);
    reference::cross_entropy(
        wide_hidden.data(), wide_head.data(), tokens, dim, vocab, targets.data(),
        [&](std::size_t t, const double*) { return weights[t]; }, wide_dhidden.data(),
        wide_dhead.data());
    Floats dhidden(hidden.size(), 7.0f),
        scratch(TrainingKernels::cross_entropy_scratch(dim, vocab));
    TrainingKernels::cross_entropy(
        hidden.data(), head.data(), panels.data(), tokens, dim, vocab, targets.data(),
        [&](std::size_t t, const float* row) {
          CHECK(t * vocab == seen.size());
          seen.insert(seen.end(), row, row + vocab);
          return weights[t];
        },
        dhidden.data(), dhead.data(), scratch.data());
    CHECK(bits(seen) == bits(logits));
    CHECK(all_close(dhidden, wide_dhidden, 4e-6));
    CHECK(all_close(dhead, wide_dhead, 4e-6));
  }
}

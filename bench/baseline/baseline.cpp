#include "baseline.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <random>
#include <stdexcept>

namespace bench {
namespace {

/// y = W x; W is (rows, cols).
void multiply(const float* w, const float* x, std::size_t rows, std::size_t cols, float* y) {
#pragma omp parallel for if (rows * cols > 65536)
  for (std::size_t r = 0; r < rows; ++r) {
    float sum = 0;
    for (std::size_t k = 0; k < cols; ++k) sum += w[r * cols + k] * x[k];
    y[r] = sum;
  }
}

void rms_norm(const float* x, const float* gain, std::size_t n, float* out) {
  float squares = 0;
  for (std::size_t i = 0; i < n; ++i) squares += x[i] * x[i];
  const float scale = 1.0f / std::sqrt(squares / static_cast<float>(n) + 1e-5f);
  for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * scale * gain[i];
}

void rotate(float* x, std::size_t n, std::size_t head_dim, std::size_t position) {
  for (std::size_t i = 0; i < n; i += 2) {
    const float power = static_cast<float>(i % head_dim) / static_cast<float>(head_dim);
    const float angle = static_cast<float>(position) * std::pow(10000.0f, -power);
    const float cosine = std::cos(angle), sine = std::sin(angle);
    const float a = x[i], b = x[i + 1];
    x[i] = a * cosine - b * sine;
    x[i + 1] = a * sine + b * cosine;
  }
}

}  // namespace

void Baseline::allocate() {
  const auto& s = shape_;
  const std::size_t kv_dim = s.dim / s.heads * s.kv_heads;
  embedding_.resize(s.vocab * s.dim);
  for (auto* gain : {&attention_norm_, &ffn_norm_}) gain->resize(s.layers * s.dim);
  for (auto* square : {&wq_, &wo_}) square->resize(s.layers * s.dim * s.dim);
  for (auto* narrow : {&wk_, &wv_}) narrow->resize(s.layers * kv_dim * s.dim);
  for (auto* wide : {&w1_, &w2_, &w3_}) wide->resize(s.layers * s.hidden_dim * s.dim);
  norm_.resize(s.dim);
  head_.resize(s.tied_head ? 0 : s.vocab * s.dim);
  for (auto* row : {&x_, &normed_, &q_, &attended_}) row->resize(s.dim);
  for (auto* row : {&gate_, &up_}) row->resize(s.hidden_dim);
  scores_.resize(s.heads * s.context);
  logits_.resize(s.vocab);
  for (auto* cache : {&keys_, &values_}) cache->resize(s.layers * s.context * kv_dim);
}

void Baseline::set_threads(std::size_t threads) {
  omp_set_num_threads(static_cast<int>(threads));
}

Baseline::Baseline(const BaselineShape& shape) : shape_(shape) {
  allocate();
  std::minstd_rand random;
  std::uniform_real_distribution<float> small(-0.1f, 0.1f);
  for (auto* matrix : {&embedding_, &wq_, &wk_, &wv_, &wo_, &w1_, &w2_, &w3_, &head_})
    for (float& weight : *matrix) weight = small(random);
  for (auto* gain : {&attention_norm_, &ffn_norm_, &norm_}) std::ranges::fill(*gain, 1.0f);
}

Baseline::Baseline(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::int32_t numbers[7] = {};
  file.read(reinterpret_cast<char*>(numbers), sizeof numbers);
  if (!file) throw std::runtime_error("cannot read " + path);
  const auto at = [&](int i) { return static_cast<std::size_t>(std::abs(numbers[i])); };
  shape_ = {.dim = at(0),
            .hidden_dim = at(1),
            .layers = at(2),
            .heads = at(3),
            .kv_heads = at(4),
            .vocab = at(5),
            .context = at(6),
            .tied_head = numbers[5] > 0};
  allocate();
  const auto read = [&](std::vector<float>& tensor) {
    file.read(reinterpret_cast<char*>(tensor.data()),
              static_cast<std::streamsize>(tensor.size() * sizeof(float)));
  };
  for (auto* tensor : {&embedding_, &attention_norm_, &wq_, &wk_, &wv_, &wo_, &ffn_norm_, &w1_,
                       &w2_, &w3_, &norm_})
    read(*tensor);
  std::vector<float> angles(shape_.context * (shape_.dim / shape_.heads));  // not needed
  read(angles);
  read(head_);
  if (!file) throw std::runtime_error(path + " is too short");
}

const float* Baseline::forward(std::size_t token, std::size_t position) {
  const auto& s = shape_;
  const std::size_t size = s.dim / s.heads, kv_dim = size * s.kv_heads,
                    group = s.heads / s.kv_heads;
  std::copy_n(&embedding_[token * s.dim], s.dim, x_.data());
  for (std::size_t l = 0; l < s.layers; ++l) {
    float* const keys = &keys_[l * s.context * kv_dim];
    float* const values = &values_[l * s.context * kv_dim];
    float* const key = keys + position * kv_dim;
    rms_norm(x_.data(), &attention_norm_[l * s.dim], s.dim, normed_.data());
    multiply(&wq_[l * s.dim * s.dim], normed_.data(), s.dim, s.dim, q_.data());
    multiply(&wk_[l * kv_dim * s.dim], normed_.data(), kv_dim, s.dim, key);
    multiply(&wv_[l * kv_dim * s.dim], normed_.data(), kv_dim, s.dim, values + position * kv_dim);
    rotate(q_.data(), s.dim, size, position);
    rotate(key, kv_dim, size, position);

#pragma omp parallel for if (s.dim * position > 65536)
    for (std::size_t h = 0; h < s.heads; ++h) {
      const float* const q = &q_[h * size];
      float* const scores = &scores_[h * s.context];
      float* const out = &attended_[h * size];
      const std::size_t at = h / group * size;
      const float scale = 1.0f / std::sqrt(static_cast<float>(size));
      float top = -INFINITY, sum = 0;
      for (std::size_t j = 0; j <= position; ++j) {
        float score = 0;
        for (std::size_t i = 0; i < size; ++i) score += q[i] * keys[j * kv_dim + at + i];
        scores[j] = score * scale;
        top = std::max(top, scores[j]);
      }
      for (std::size_t j = 0; j <= position; ++j) sum += scores[j] = std::exp(scores[j] - top);
      std::fill_n(out, size, 0.0f);
      for (std::size_t j = 0; j <= position; ++j)
        for (std::size_t i = 0; i < size; ++i)
          out[i] += scores[j] / sum * values[j * kv_dim + at + i];
    }
    multiply(&wo_[l * s.dim * s.dim], attended_.data(), s.dim, s.dim, normed_.data());
    for (std::size_t i = 0; i < s.dim; ++i) x_[i] += normed_[i];

    rms_norm(x_.data(), &ffn_norm_[l * s.dim], s.dim, normed_.data());
    multiply(&w1_[l * s.hidden_dim * s.dim], normed_.data(), s.hidden_dim, s.dim, gate_.data());
    multiply(&w3_[l * s.hidden_dim * s.dim], normed_.data(), s.hidden_dim, s.dim, up_.data());
    for (std::size_t i = 0; i < s.hidden_dim; ++i)
      gate_[i] *= up_[i] / (1.0f + std::exp(-gate_[i]));
    multiply(&w2_[l * s.hidden_dim * s.dim], gate_.data(), s.dim, s.hidden_dim, normed_.data());
    for (std::size_t i = 0; i < s.dim; ++i) x_[i] += normed_[i];
  }
  rms_norm(x_.data(), norm_.data(), s.dim, x_.data());
  multiply(s.tied_head ? embedding_.data() : head_.data(), x_.data(), s.vocab, s.dim,
           logits_.data());
  return logits_.data();
}

}  // namespace bench

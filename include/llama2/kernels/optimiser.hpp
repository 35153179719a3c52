// What a step of AdamW is given, and its plain twin.
#pragma once

#include <cmath>
#include <cstddef>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The numbers of one step of AdamW that are the same for all weights.
struct AdamWStep {
  float gradient_scale;  ///< what gradients are multiplied by first
  float beta1, rest1;    ///< of the first moment, and 1 - beta1
  float beta2, rest2;    ///< of the second
  float keep;            ///< 1 - learning rate * weight decay
  float rate;            ///< learning rate / (1 - beta1^t)
  float root_scale;      ///< 1 / sqrt(1 - beta2^t)
  float epsilon;
};

namespace reference {

/// One step of AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2), with g the
/// gradient times `gradient_scale`:
///
///   first  = beta1 first + (1 - beta1) g           second = beta2 second + (1 - beta2) g^2
///   value  = (1 - lr decay) value - lr (first / (1 - beta1^t)) /
///                                   (sqrt(second / (1 - beta2^t)) + epsilon)
template <class T>
void adamw(const AdamWStep& s, const T* gradient, std::size_t n, T* value, T* first, T* second) {
  for (std::size_t i = 0; i < n; ++i) {
    const T g = gradient[i] * static_cast<T>(s.gradient_scale);
    first[i] = std::fma(static_cast<T>(s.beta1), first[i], static_cast<T>(s.rest1) * g);
    second[i] = std::fma(static_cast<T>(s.beta2), second[i], static_cast<T>(s.rest2) * g * g);
    const T root = std::sqrt(second[i]);
    const T below = std::fma(root, static_cast<T>(s.root_scale), static_cast<T>(s.epsilon));
    value[i] =
        std::fma(static_cast<T>(s.keep), value[i], -(static_cast<T>(s.rate) * first[i] / below));
  }
}

}  // namespace reference

}  // namespace llama2::inline LLAMA2_ABI

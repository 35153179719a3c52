// Which processor target's kernels to call: the compiler's one, or the best at run time.
#pragma once

#include "llama2/base/config.hpp"

#if defined(LLAMA2_DYNAMIC)
#if defined(HWY_HIGHWAY_INCLUDED)
#error "llama2: in dynamic mode include llama2 before Highway: it chooses the targets."
#endif
#if !defined(HWY_DISABLED_TARGETS)  // see simd/highway-inl.hpp
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llama2/kernels/kernels-inl.hpp"
#include <hwy/foreach_target.h>
#endif

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/kernels/kernels-inl.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A processor target whose kernels this program holds and this processor can run.
///
/// In static mode there is one, the compiler's, and everything here folds away. In dynamic mode
/// (`llama2/dynamic.hpp`) every call of a kernel is a jump to the chosen target's.
class Target {
 public:
  /// The best one. In dynamic mode the environment variable LLAMA2_TARGET, if not empty, may name
  /// another; throws `invalid_argument` if there is no such target here.
  Target() {
#if defined(LLAMA2_DYNAMIC)
    const char* const wanted = std::getenv("LLAMA2_TARGET");
    if (wanted != nullptr && *wanted != '\0')
      *this = named(wanted);
    else
      id_ = best(runnable());
#endif
  }

  /// The target of that name, for example "AVX2". Throws `invalid_argument` if this program does
  /// not hold it or this processor cannot run it.
  static Target named(std::string_view name) {
    std::string known;
    for (const Target target : all()) {
      if (target.name() == name) return target;
      known += (known.empty() ? "" : ", ") + target.name();
    }
    throw Error(ErrorCode::invalid_argument, "no such processor target here",
                {.tensor = "target", .expected = known, .found = std::string(name)});
  }

  /// Every target that this program holds and this processor can run, the best first.
  static std::vector<Target> all() {
#if defined(LLAMA2_DYNAMIC)
    std::vector<Target> targets;
    for (std::int64_t left = runnable(); left != 0; left &= left - 1)
      targets.push_back(Target(best(left)));
    return targets;
#else
    return {Target()};
#endif
  }

  /// Returns f(Kernels()) with the target's `Kernels`.
  template <class F>
  decltype(auto) call(F&& f) const {
#if defined(LLAMA2_DYNAMIC)
    switch (id_) {
#if defined(HWY_AVX3_SPR) && HWY_TARGETS & HWY_AVX3_SPR
      case HWY_AVX3_SPR:
        return f(N_AVX3_SPR::Kernels());
#endif
#if defined(HWY_AVX3_ZEN4) && HWY_TARGETS & HWY_AVX3_ZEN4
      case HWY_AVX3_ZEN4:
        return f(N_AVX3_ZEN4::Kernels());
#endif
#if HWY_TARGETS & HWY_AVX3
      case HWY_AVX3:
        return f(N_AVX3::Kernels());
#endif
#if HWY_TARGETS & HWY_AVX2
      case HWY_AVX2:
        return f(N_AVX2::Kernels());
#endif
#if HWY_TARGETS & HWY_SSE4
      case HWY_SSE4:
        return f(N_SSE4::Kernels());
#endif
#if HWY_TARGETS & HWY_SSSE3
      case HWY_SSSE3:
        return f(N_SSSE3::Kernels());
#endif
      default:
        return f(
            LLAMA2_TARGET_NAMESPACE::Kernels());  // the baseline: the last pass of foreach_target
    }
#else
    return f(LLAMA2_TARGET_NAMESPACE::Kernels());
#endif
  }

  /// The name of the kernels that `call` picks, as Highway has it: "AVX3_SPR", "AVX3_ZEN4", "AVX3",
  /// "AVX2", "SSE4", "SSSE3", "NEON", "SCALAR"; or "AVX3_VNNI" and "AVX3_BF16", where AVX-512 has
  /// dot products of bytes, and also of 16-bit floats.
  [[nodiscard]] std::string name() const {
    return call([](auto kernels) { return std::string(kernels.name); });
  }

 private:
#if defined(LLAMA2_DYNAMIC)
  explicit Target(std::int64_t id) noexcept : id_(id) {}

  /// Highway's better targets have lower bits.
  static std::int64_t best(std::int64_t targets) noexcept { return targets & -targets; }

  /// What `call` has a case for, the baseline's `default` included.
  static constexpr std::int64_t handled = HWY_STATIC_TARGET
#if defined(HWY_AVX3_SPR)
                                          | HWY_AVX3_SPR
#endif
#if defined(HWY_AVX3_ZEN4)
                                          | HWY_AVX3_ZEN4
#endif
                                          | HWY_AVX3 | HWY_AVX2 | HWY_SSE4 | HWY_SSSE3;

  static std::int64_t runnable() noexcept {
    std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS & handled;
#if defined(__x86_64__) || defined(__i386__)
    // Wide registers need the operating system, too: it must save them. Where it saves nothing of
    // the kind, Highway 1.0.3 believes the processor alone; the compiler's function asks both.
    const auto and_better = [](std::int64_t target) { return 2 * target - 1; };
    if (!__builtin_cpu_supports("avx2")) targets &= ~and_better(HWY_AVX2);
    if (!__builtin_cpu_supports("avx512f")) targets &= ~and_better(HWY_AVX3);
#if !defined(HWY_AVX3_ZEN4) && HWY_STATIC_TARGET != HWY_AVX3
    // See simd/highway-inl.hpp: this target has them, too.
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bf16"))
      targets &= ~and_better(HWY_AVX3);
#endif
#endif
    return targets != 0 ? targets : HWY_STATIC_TARGET;
  }

  std::int64_t id_;
#endif
};

}  // namespace llama2::inline LLAMA2_ABI

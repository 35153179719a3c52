// Version, supported compilers and flags, and the inline namespace that keeps apart what
// different compiler flags compile differently.
#pragma once

#define LLAMA2_VERSION_MAJOR 0
#define LLAMA2_VERSION_MINOR 1
#define LLAMA2_VERSION_PATCH 0
#define LLAMA2_VERSION_STRING "0.1.0"

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "llama2 needs C++20: compile with -std=c++20 (CMake: target_compile_features cxx_std_20)."
#endif

// Value-changing optimisation would break the promise of the same bits for any thread count and
// any cut of a prompt, and NaN checks on untrusted weights.
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error \
    "llama2 cannot be compiled with -ffast-math (nor -Ofast, -ffinite-math-only, -fassociative-math or -freciprocal-math): remove the flag; the kernels are vectorised without it and results stay the same bit for bit."
#endif

// Static mode compiles for the flags given (dynamic mode for every target). Below AVX2 (with FMA,
// F16C and BMI2, as every such processor has) or NEON it would run many times slower than the
// machine can.
#if !defined(LLAMA2_ALLOW_SLOW_BASELINE) && !defined(LLAMA2_DYNAMIC) &&                   \
    !(defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && defined(__BMI2__)) && \
    !(defined(__aarch64__) && defined(__ARM_NEON))
#error \
    "llama2 is compiled for a baseline below AVX2 or NEON and would be up to 60 times slower: add -march=native or -march=haswell (CMake: link llama2::native), or define LLAMA2_ALLOW_SLOW_BASELINE to accept it."
#endif

// The instruction set is part of every symbol's name, so two translation units of one program may
// use different -m flags and the linker never merges a function of one into the other.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__AVX512CD__)
#define LLAMA2_DETAIL_ISA avx512
#elif defined(__AVX2__)
#define LLAMA2_DETAIL_ISA avx2
#elif defined(__AVX__)
#define LLAMA2_DETAIL_ISA avx
#elif defined(__SSE4_1__)
#define LLAMA2_DETAIL_ISA sse4
#elif defined(__SSSE3__)
#define LLAMA2_DETAIL_ISA ssse3
#elif defined(__ARM_NEON)
#define LLAMA2_DETAIL_ISA neon
#else
#define LLAMA2_DETAIL_ISA generic
#endif

#if defined(__AVX512FP16__)
#define LLAMA2_DETAIL_ISA_MORE _fp16
#elif defined(__AVX512VBMI2__)
#define LLAMA2_DETAIL_ISA_MORE _vbmi2
#elif defined(__AVX512VBMI__)
#define LLAMA2_DETAIL_ISA_MORE _vbmi
#elif defined(__AVX512F__) && !(defined(__AVX512BW__) && defined(__AVX512DQ__) && \
                                defined(__AVX512VL__) && defined(__AVX512CD__))
#define LLAMA2_DETAIL_ISA_MORE _avx512f
#else
#define LLAMA2_DETAIL_ISA_MORE
#endif
#if defined(__AVX2__) && !(defined(__FMA__) && defined(__F16C__) && defined(__BMI2__))
#define LLAMA2_DETAIL_ISA_FMA _nofma
#else
#define LLAMA2_DETAIL_ISA_FMA
#endif
#if defined(__AVX512VNNI__)
#define LLAMA2_DETAIL_ISA_VNNI _vnni
#elif defined(__AVXVNNI__)
#define LLAMA2_DETAIL_ISA_VNNI _avxvnni
#elif defined(__ARM_FEATURE_DOTPROD)
#define LLAMA2_DETAIL_ISA_VNNI _dotprod
#else
#define LLAMA2_DETAIL_ISA_VNNI
#endif
#if defined(__AVX512BF16__) || defined(__ARM_FEATURE_BF16)
#define LLAMA2_DETAIL_ISA_BF16 _bf16
#else
#define LLAMA2_DETAIL_ISA_BF16
#endif

// And so is the vector library under the kernels, with the mode: only Highway has both modes.
#if defined(LLAMA2_DYNAMIC) && defined(LLAMA2_SIMD_XSIMD)
#error \
    "llama2: dynamic mode needs Highway: xsimd (LLAMA2_SIMD_XSIMD; CMake: LLAMA2_SIMD=xsimd, or llama2::xsimd linked) compiles for one processor target only."
#undef LLAMA2_SIMD_XSIMD  // this error is enough
#endif
#if defined(LLAMA2_DYNAMIC)
#define LLAMA2_DETAIL_MODE _dynamic
#elif defined(LLAMA2_SIMD_XSIMD)
#define LLAMA2_DETAIL_MODE _xsimd
#else
#define LLAMA2_DETAIL_MODE
#endif

// AddressSanitizer sees an access beyond a heap block, but not beyond a mapping: buffers then lie
// on the heap. Files compiled with and without it may meet in one program.
#if defined(__SANITIZE_ADDRESS__)
#define LLAMA2_DETAIL_ASAN _asan
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LLAMA2_DETAIL_ASAN _asan
#endif
#endif
#if defined(LLAMA2_DETAIL_ASAN)
#define LLAMA2_DETAIL_SANITIZER LLAMA2_DETAIL_ASAN
#else
#define LLAMA2_DETAIL_SANITIZER
#endif

#define LLAMA2_DETAIL_ABI_PASTE(major, minor, isa, more, fma, vnni, bf16, mode, sanitizer) \
  v##major##_##minor##_##isa##more##fma##vnni##bf16##mode##sanitizer
#define LLAMA2_DETAIL_ABI_EXPAND(major, minor, isa, more, fma, vnni, bf16, mode, sanitizer) \
  LLAMA2_DETAIL_ABI_PASTE(major, minor, isa, more, fma, vnni, bf16, mode, sanitizer)

/// The inline namespace of everything in the library, for example `v0_1_avx2`.
#define LLAMA2_ABI                                                                                \
  LLAMA2_DETAIL_ABI_EXPAND(LLAMA2_VERSION_MAJOR, LLAMA2_VERSION_MINOR, LLAMA2_DETAIL_ISA,         \
                           LLAMA2_DETAIL_ISA_MORE, LLAMA2_DETAIL_ISA_FMA, LLAMA2_DETAIL_ISA_VNNI, \
                           LLAMA2_DETAIL_ISA_BF16, LLAMA2_DETAIL_MODE, LLAMA2_DETAIL_SANITIZER)

#define LLAMA2_DETAIL_STRING_OF(...) #__VA_ARGS__
#define LLAMA2_DETAIL_STRING(...) LLAMA2_DETAIL_STRING_OF(__VA_ARGS__)

namespace llama2::inline LLAMA2_ABI {

/// "major.minor.patch" of the headers.
inline constexpr const char* version_string = LLAMA2_VERSION_STRING;

/// The vector library that the kernels stand on.
#if defined(LLAMA2_SIMD_XSIMD)
inline constexpr const char* simd_library = "xsimd";
#else
inline constexpr const char* simd_library = "highway";
#endif

/// The inline namespace as text: version, the instruction set compiled for, and the rest.
inline constexpr const char* abi_tag = LLAMA2_DETAIL_STRING(LLAMA2_ABI);

}  // namespace llama2::inline LLAMA2_ABI

# cmake -DPROGRAM=inspect -DHOST_FEATURES=print_host_features [-DQEMU=... -DCPU=model] -P targets.cmake
#
# A dynamic program offers just the targets of which the processor, and the operating system that
# saves its registers, have everything that the compiler may use for them.

set(emulator "")
if(QEMU)
  set(emulator "${QEMU}" -cpu "${CPU}")
endif()
execute_process(COMMAND ${emulator} "${PROGRAM}" --list-targets
                OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${emulator} "${HOST_FEATURES}"
                OUTPUT_VARIABLE features COMMAND_ERROR_IS_FATAL ANY)

set(needs_SSSE3 ssse3)
set(needs_SSE4 ${needs_SSSE3} sse4.1 sse4.2 pclmul aes)
set(needs_AVX2 ${needs_SSE4} avx avx2 fma f16c bmi bmi2)
set(needs_AVX3 ${needs_AVX2} avx512f avx512vl avx512dq avx512bw)

set(expected "")
foreach(target IN ITEMS AVX3 AVX2 SSE4 SSSE3)
  set(lacks ${needs_${target}})
  list(REMOVE_ITEM lacks ${features})
  if(NOT lacks)
    string(APPEND expected "${target}\n")
  endif()
endforeach()

# Newer versions of Highway have variants of AVX3, which come before it. With an older one the library
# has one target for AVX-512, AVX3_BF16, for processors that also have these. The last target is for
# any processor; its name depends on the compiler.
set(lacks avx512vnni avx512bf16)
list(REMOVE_ITEM lacks ${features})
if(lacks)
  string(REGEX REPLACE "^AVX3\n" "((AVX3_[A-Z0-9]+\n)*AVX3\n)?" expected "${expected}")
else()
  string(REGEX REPLACE "^AVX3\n" "((AVX3_[A-Z0-9]+\n)*AVX3\n|AVX3_BF16\n)" expected "${expected}")
endif()
if(NOT listed MATCHES "^${expected}(SCALAR|EMU128|SSE2)\n$")
  message(FATAL_ERROR "listed:\n${listed}expected:\n${expected}features: ${features}")
endif()

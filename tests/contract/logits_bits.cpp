// Prints the bits of a tiny model's logits: must not depend on -ffp-contract.
#include <bit>
#include <cstdint>
#include <cstdio>

#include "tiny_forward.hpp"

int main() {
  for (const float logit : tiny_forward())
    std::printf("%08x\n", std::bit_cast<std::uint32_t>(logit));
}

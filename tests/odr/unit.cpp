// Compiled several times into one program, each time with other -m flags and LLAMA2_TEST_UNIT.
#include "unit.hpp"

#include "llama2/base/type_name.hpp"
#include "llama2/format/half.hpp"
#include "tiny_forward.hpp"

UnitResult LLAMA2_TEST_UNIT() {
  UnitResult result{.abi_tag = llama2::abi_tag,
                    .type_name = llama2::type_name<llama2::Half>(),
                    .logits = tiny_forward()};
  return result;
}

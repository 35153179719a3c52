#include <llama2/llama2.hpp>

const char* tag_of_the_other_unit();

const char* tag_of_the_other_unit() {
  return llama2::abi_tag;
}

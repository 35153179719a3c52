// With umbrella_b.cpp: two translation units that include everything link into one program.
#include <llama2/llama2.hpp>

const char* tag_of_the_other_unit();

int main() {
  return llama2::abi_tag == std::string_view(tag_of_the_other_unit()) ? 0 : 1;
}

#include <iostream>
#include <llama2/llama2.hpp>

using Model = llama2::Model<llama2::Stories260K, llama2::F32>;

int main(int argc, char** argv) try {
  std::cout << Model::name() << " needs " << Model::memory.total() << " bytes\n";
  if (argc != 3) return std::cout << "usage: story stories260K.bin tok512.bin\n", 0;
  llama2::Session session{llama2::load<Model>(argv[1]), llama2::load_tokenizer(argv[2])};
  std::cout << "Once upon a time";
  session.generate("Once upon a time", {.temperature = 0.0f}, [](std::string_view text) {
    std::cout << text << std::flush;
    return true;
  });
} catch (const llama2::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

// Prints the token ids of a text, or the text of token ids.
//
//   tokenize VOCAB [--text-file F] [--bos]      text -> ids, separated by spaces, on one line
//   tokenize VOCAB [--text-file F] --decode     ids -> exactly their text
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "common.hpp"
#include "llama2/base/error.hpp"
#include "llama2/io/load_tokenizer.hpp"

namespace {

std::vector<llama2::Token> parse_ids(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  std::vector<llama2::Token> ids;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    if (text.empty()) return ids;
    const std::string_view word = text.substr(0, text.find_first_of(blank));
    llama2::Token id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc{} || end != word.data() + word.size())
      throw llama2::Error(llama2::ErrorCode::invalid_argument, "not a token id",
                          {.found = std::string(word.substr(0, 40))});
    ids.push_back(id);
    text.remove_prefix(word.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Prints the token ids of a text, or the text of token ids."};
  std::string vocabulary;
  std::string text_file;
  bool bos = false;
  bool decode = false;
  app.add_option("VOCAB", vocabulary, "a sentencepiece .model or a llama2.c tokenizer.bin")
      ->required();
  app.add_option("--text-file", text_file, "read from this file, not from standard input");
  CLI::Option* bos_flag = app.add_flag("--bos", bos, "put the beginning-of-sequence token first");
  app.add_flag("--decode", decode, "read ids and print their text")->excludes(bos_flag);
  return examples::run(app, argc, argv, [&] {
    const llama2::Tokenizer tokenizer = llama2::load_tokenizer(vocabulary);
    const std::string text = examples::read_text(text_file);
    if (decode) {
      std::cout << tokenizer.decode(parse_ids(text));
    } else {
      const char* separator = "";
      for (const llama2::Token id : tokenizer.encode(text, {.bos = bos})) {
        std::cout << separator << id;
        separator = " ";
      }
      std::cout << '\n';
    }
  });
}

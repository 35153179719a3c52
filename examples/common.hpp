// What the example programs share: reading text, finding tokenizers, reporting errors.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/io/gguf_file.hpp"

namespace examples {

/// The whole of a file, or of standard input where the path is empty.
inline std::string read_text(const std::string& path) {
  if (path.empty()) {
    std::string text(std::istreambuf_iterator<char>(std::cin), {});
    if (std::cin.bad())
      throw llama2::Error(llama2::ErrorCode::io, "cannot read", {.file = "standard input"});
    return text;
  }
  std::ifstream file(path, std::ios::binary);  // pipes, too
  if (!file || std::filesystem::is_directory(path))
    throw llama2::Error(llama2::ErrorCode::io, "cannot open", {.file = path});
  return {std::istreambuf_iterator<char>(file), {}};
}

/// For options that count: plain digits only. The parser itself would take "-1" for 2^64 - 1.
inline const CLI::Validator whole_number(
    [](const std::string& text) {
      const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
      std::uint64_t value = 0;
      const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
      return digits && result.ec == std::errc() ? std::string()
                                                : "not a whole number: " + text.substr(0, 40);
    },
    "");

/// Whether a file is GGUF and holds a vocabulary.
inline bool holds_vocabulary(const std::string& path) {
  const auto file = std::make_shared<const llama2::InputFile>(path);
  return llama2::GgufFile::recognises(*file) &&
         llama2::GgufFile(file).find("tokenizer.ggml.model") != nullptr;
}

/// The tokenizer to use with a model: the one given, the one inside a GGUF file, or one of the
/// usual names beside the model. `vocab`, the model's number of ids, decides between the names'
/// usual vocabularies.
inline std::string find_tokenizer(const std::string& given, const std::string& model,
                                  std::size_t vocab) {
  if (!given.empty()) return given;
  if (holds_vocabulary(model)) return model;
  const std::filesystem::path folder = std::filesystem::path(model).parent_path();
  const std::string sized = "tok" + std::to_string(vocab);
  std::string tried;
  for (const std::string& name : {sized + ".model", sized + ".bin", std::string("tokenizer.model"),
                                  std::string("tokenizer.bin")}) {
    if (std::filesystem::exists(folder / name)) return (folder / name).string();
    tried += (tried.empty() ? "" : ", ") + name;
  }
  throw llama2::Error(
      llama2::ErrorCode::io,
      "found no tokenizer beside the model (tried " + tried + "); name one with --tokenizer",
      {.file = model});
}

/// A text of another's making without what steers a terminal: all control characters but the end of
/// a line and the tabulator, those of Latin 1 (in UTF-8) too.
inline std::string without_controls(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) continue;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      ++i;  // U+0080 .. U+009F
      continue;
    }
    result += text[i];
  }
  return result;
}

/// Parses the command line and runs `body`; errors become one line and exit status 1.
template <class Body>
int run(CLI::App& app, int argc, char** argv, Body&& body) {
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << name << ": " << error.what() << " (see --help)\n";
    return 1;
  }
  try {
    body();
    if (!std::cout.flush())
      throw llama2::Error(llama2::ErrorCode::io, "cannot write to standard output");
    return 0;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << without_controls(error.what()) << '\n';
    return 1;
  }
}

}  // namespace examples

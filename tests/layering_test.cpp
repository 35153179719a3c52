// Headers include only layers before their own; the list is the one in docs/design.md.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace {

constexpr std::array<std::string_view, 15> layers = {
    "base", "parallel", "shape", "format", "simd",  "kernels", "model",   "text",
    "io",   "generate", "data",  "train",  "align", "eval",    "registry"};

/// The place of the layer in the list; its size for what is none.
std::size_t layer_index(std::string_view name) {
  return static_cast<std::size_t>(std::find(layers.begin(), layers.end(), name) - layers.begin());
}

/// One line for each include in the text of the header `path` (relative to include/llama2) that
/// reaches a later layer, a folder that is no layer, or a header that belongs to no layer.
std::vector<std::string> breaches(const std::string& path, const std::string& text) {
  std::vector<std::string> found;
  const auto slash = path.find('/');
  if (slash == std::string::npos) return found;  // llama2.hpp and its like may include anything
  const std::size_t own = layer_index(path.substr(0, slash));
  if (own == layers.size()) return {path + ": its folder is not a layer"};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#') continue;
    if (line.find("include") == std::string::npos && line.find("define") == std::string::npos)
      continue;  // a define can name a header that a later include takes
    const auto at = line.find("llama2/");
    if (at == std::string::npos || at == 0 || (line[at - 1] != '"' && line[at - 1] != '<'))
      continue;
    const std::string included = line.substr(at + 7, line.find_first_of("\">", at) - at - 7);
    const auto end = included.find('/');
    const std::size_t layer =
        end == std::string::npos ? layers.size() : layer_index(included.substr(0, end));
    if (layer > own) found.push_back(path + " includes " + included);
  }
  return found;
}

/// All headers of the library that a header includes, and they include, and so on.
std::set<std::string> included_by(const std::filesystem::path& root, const std::string& header) {
  std::set<std::string> all;
  std::vector<std::string> open = {header};
  while (!open.empty()) {
    std::ifstream file(root / open.back());
    open.pop_back();
    constexpr std::string_view directive = "#include \"llama2/";
    for (std::string line; std::getline(file, line);)
      if (line.starts_with(directive)) {
        std::string name = line.substr(directive.size());
        name.resize(name.find('"'));
        if (all.insert(name).second) open.push_back(name);
      }
  }
  return all;
}

}  // namespace

TEST_CASE("inference includes nothing of training") {
  const std::filesystem::path root = std::filesystem::path(LLAMA2_SOURCE_DIR) / "include/llama2";
  const auto is_training = [](const std::string& name) {
    return std::ranges::any_of(
        std::array{"data/", "train/", "align/", "eval/", "kernels/training", "kernels/optimiser",
                   "kernels/backward", "kernels/attention_backward", "kernels/cross_entropy"},
        [&](const char* prefix) { return name.starts_with(prefix); });
  };
  const auto inference = included_by(root, "llama2.hpp");
  CHECK(inference.count("generate/session.hpp") == 1);
  CHECK(inference.size() > 40);
  for (const std::string& name : inference) {
    INFO(name);
    CHECK_FALSE(is_training(name));
  }
  const auto training = included_by(root, "training.hpp");
  CHECK(std::ranges::count_if(training, is_training) > 20);
}

TEST_CASE("a header includes only layers before its own") {
  const std::filesystem::path root = std::filesystem::path(LLAMA2_SOURCE_DIR) / "include/llama2";
  std::size_t headers = 0;
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    ++headers;
    std::ifstream file(entry.path());
    std::ostringstream text;
    text << file.rdbuf();
    const auto more = breaches(entry.path().lexically_relative(root).generic_string(), text.str());
    found.insert(found.end(), more.begin(), more.end());
  }
  CHECK(headers > 20);  // the right folder was searched
  CHECK(found == std::vector<std::string>());
}

TEST_CASE("the layering check finds what it looks for") {
  CHECK(breaches("model/a.hpp", "#include \"llama2/kernels/kernels.hpp\"\n").empty());
  CHECK(breaches("model/a.hpp", "#include \"llama2/model/b.hpp\"\n").empty());
  CHECK(breaches("model/a.hpp", "#include <vector>\n#include <hwy/highway.h>\n").empty());
  CHECK(breaches("all.hpp", "#include \"llama2/registry/any.hpp\"\n").empty());
  CHECK(breaches("model/a.hpp", "#include \"llama2/io/load.hpp\"\n") ==
        std::vector<std::string>{"model/a.hpp includes io/load.hpp"});
  CHECK(breaches("model/a.hpp", "#  include <llama2/text/utf8.hpp>\n").size() == 1);
  CHECK(breaches("base/a.hpp", "#define HWY_TARGET_INCLUDE \"llama2/kernels/x.hpp\"\n").size() ==
        1);
  CHECK(breaches("registry/a.hpp", "#include \"llama2/llama2.hpp\"\n").size() == 1);
  CHECK(breaches("registry/a.hpp", "#include \"llama2/nowhere/a.hpp\"\n").size() == 1);
  CHECK(breaches("nowhere/a.hpp", "").size() == 1);
}

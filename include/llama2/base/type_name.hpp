// The name of a type as people write it, for messages.
#pragma once

#include <string>
#include <string_view>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {
namespace detail {

template <class T>
consteval std::string_view raw_type_name() noexcept {
  // gcc: "... raw_type_name() [with T = X; std::string_view = ...]", clang: "... [T = X]"
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  return text.substr(0, text.find_first_of(";]"));
}

}  // namespace detail

/// The name of `T` without the library's own namespaces: "Llama2_7B", "my_app::Shape".
template <class T>
std::string type_name() {
  std::string name{detail::raw_type_name<T>()};
  const std::string abi = std::string(abi_tag) + "::";
  for (const std::string_view prefix : {std::string_view(abi), std::string_view("llama2::")})
    for (std::size_t at; (at = name.find(prefix)) != std::string::npos;)
      name.erase(at, prefix.size());
  return name;
}

}  // namespace llama2::inline LLAMA2_ABI

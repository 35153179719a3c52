// Dialogues as files. Needs nlohmann-json, which nothing else of inference does.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/file.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Writes messages as a JSON array of {"role": ..., "content": ...}, which other programs read,
/// too. Bytes that are not UTF-8 become U+FFFD. Throws `io`.
inline void save_transcript(const std::string& path, std::span<const Message> messages) {
  auto json = nlohmann::json::array();
  for (const Message& message : messages)
    json.push_back({{"role", std::string(to_string(message.role))}, {"content", message.text}});
  OutputFile file(path);
  file.write(json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  file.commit();
}

/// Reads what `save_transcript` writes, of at most 64 MiB. Throws `io`, and `malformed_file` for
/// what is no such array or names no known role.
inline std::vector<Message> load_transcript(const std::string& path) {
  const InputFile file(path, FileAccess::read, std::size_t{64} << 20);
  const auto bytes = file.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto refuse = [&](std::string what, std::string expected, std::string found) {
    throw Error(ErrorCode::malformed_file, std::move(what),
                {.file = path, .expected = std::move(expected), .found = std::move(found)});
  };
  if (!json.is_array()) refuse("no transcript of a chat", "a JSON array of messages", {});
  std::vector<Message> messages;
  for (const auto& entry : json) {
    const std::string at = "message " + std::to_string(messages.size() + 1);
    const auto member = [&](const char* name) {
      if (!entry.is_object() || !entry.contains(name) || !entry[name].is_string())
        refuse(at, std::string("an object with a string \"") + name + "\"", entry.type_name());
      return entry[name].template get<std::string>();
    };
    const std::string role = member("role");
    Message message{Role::system, member("content")};
    bool known = false;
    for (const Role r : {Role::system, Role::user, Role::assistant})
      if (role == to_string(r)) {
        message.role = r;
        known = true;
      }
    if (!known) refuse(at, "system, user or assistant", role);
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace llama2::inline LLAMA2_ABI

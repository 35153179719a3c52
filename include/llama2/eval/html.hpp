// Pages that stand alone: hostile text made harmless, and one quiet look for light and dark.
#pragma once

#include <cstddef>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// The length of the well-formed UTF-8 sequence at the start of a text that may be shown; 0 if
/// there is none: broken bytes, and characters that reorder or hide the text around them.
inline std::size_t visible_sequence(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : first == '\n' || first == '\t';
  const std::size_t length = first >= 0xF0 && first < 0xF5   ? 4
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xC2 && first < 0xE0 ? 2
                                                             : 0;
  if (length == 0) return 0;
  unsigned point = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return 0;
    point = point << 6 | (byte(i) & 0x3Fu);
  }
  constexpr unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool well_formed =
      point >= least[length] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
  const bool hides = (point >= 0x80 && point <= 0x9F) || (point >= 0x202A && point <= 0x202E) ||
                     (point >= 0x2066 && point <= 0x2069) || point == 0x200E || point == 0x200F ||
                     (point & 0xFFFEu) == 0xFFFEu;
  return well_formed && !hides ? length : 0;
}

}  // namespace detail

/// Text as the content of an element or of a quoted attribute: no byte of it is markup. What cannot
/// be shown (broken UTF-8, control characters, marks that reorder text) becomes U+FFFD.
inline std::string html_escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::size_t length = detail::visible_sequence(text);
    std::size_t end = length == 0 ? 1 : length;
    if (length == 0)  // with what belongs to it
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) ++end;
    const std::string_view part = text.substr(0, end);
    if (length == 0)
      result += text.front() == '\r' ? "" : "\uFFFD";
    else if (part == "&")
      result += "&amp;";
    else if (part == "<")
      result += "&lt;";
    else if (part == ">")
      result += "&gt;";
    else if (part == "\"")
      result += "&quot;";
    else if (part == "'")
      result += "&#39;";
    else
      result += part;
    text.remove_prefix(part.size());
  }
  return result;
}

/// JSON for the inside of a script element: no text in it can end the element or open a comment.
template <class Json>
std::string script_json(const Json& json) {
  const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string result;
  result.reserve(text.size());
  for (const char c : text)
    if (c == '<' || c == '>' || c == '&') {  // these stand in strings only
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      result += code;
    } else {
      result += c;
    }
  return result;
}

/// Colours that follow the reader's choice of light and dark, all of them at 4.5:1 or more against
/// their ground.
inline constexpr std::string_view page_colours = R"css(
:root { color-scheme: light dark; --ground: #fbfbf9; --panel: #ffffff; --ink: #1c1f23;
  --faint: #59616b; --line: #d6d9dd; --accent: #1f5fae; --on-accent: #ffffff;
  --first: #1f5fae; --second: #b0500a; --third: #1f7a3d; --fourth: #8a2f8f; --fifth: #6b5d00;
  --good: #1f7a3d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --panel: #1d2126;
  --ink: #e7e9ec; --faint: #a3abb5; --line: #3a4048; --accent: #82b4f5; --on-accent: #10151c;
  --first: #82b4f5; --second: #f0a35e; --third: #74cf8f; --fourth: #d9a0e0; --fifth: #d8c95a;
  --good: #74cf8f; --bad: #ff8a80; } }
)css";

/// The look that the library's pages share: the reader's own fonts, lines that break.
inline constexpr std::string_view page_style = R"css(
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1, h2, h3 { overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
a { color: var(--accent); }
pre, .text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
code, pre, .text { font-size: .94rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.faint { color: var(--faint); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
)css";

/// A whole page. `title` is escaped; `style`, `body` and `script` are the caller's own. Nothing is
/// loaded from anywhere and nothing can be sent: the policy in the page forbids it.
inline std::string html_page(std::string_view title, std::string_view style, std::string_view body,
                             std::string_view script = {}) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
      "form-action 'none'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>";
  page += html_escaped(title);
  page += "</title>\n<style>";
  page += page_colours;
  page += page_style;
  page += style;
  page += "</style>\n</head>\n<body>\n";
  page += body;
  if (!script.empty()) {
    page += "<script>";
    page += script;
    page += "</script>\n";
  }
  page += "</body>\n</html>\n";
  return page;
}

}  // namespace llama2::inline LLAMA2_ABI

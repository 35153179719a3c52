// When a generated answer is the wanted one: normal forms, overlap, numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

constexpr bool is_ascii_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
constexpr bool is_ascii_punctuation(char c) noexcept {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}
constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_ascii_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Replaces every occurrence.
inline void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

}  // namespace detail

inline std::string ascii_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = detail::ascii_lower(c);
  return lower;
}

/// The words between white space.
inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < text.size();) {
    while (i < text.size() && detail::is_ascii_space(text[i])) ++i;
    const std::size_t begin = i;
    while (i < text.size() && !detail::is_ascii_space(text[i])) ++i;
    if (i > begin) words.emplace_back(text.substr(begin, i - begin));
  }
  return words;
}

/// An answer as SQuAD's evaluation compares it (Rajpurkar et al. 2016, evaluate-v1.1): lower case,
/// without ASCII punctuation, the words "a", "an", "the", and superfluous white space.
inline std::string normal_answer(std::string_view text) {
  std::string bare;
  for (const char c : text)
    if (!detail::is_ascii_punctuation(c)) bare += detail::ascii_lower(c);
  std::string result;
  for (const std::string& word : words_of(bare)) {
    if (word == "a" || word == "an" || word == "the") continue;
    if (!result.empty()) result += ' ';
    result += word;
  }
  return result;
}

/// The harmonic mean of precision and recall of an answer's words, in normal form, as SQuAD has
/// it; of two answers without words 1, of one 0.
inline double word_f1(std::string_view answer, std::string_view reference) {
  const std::vector<std::string> a = words_of(normal_answer(answer));
  const std::vector<std::string> b = words_of(normal_answer(reference));
  if (a.empty() || b.empty()) return a.empty() && b.empty() ? 1 : 0;
  std::map<std::string_view, std::size_t> left;
  for (const std::string& word : b) ++left[word];
  std::size_t common = 0;
  for (const std::string& word : a) {
    const auto found = left.find(word);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++common;
  }
  if (common == 0) return 0;
  const double precision = static_cast<double>(common) / static_cast<double>(a.size());
  const double recall = static_cast<double>(common) / static_cast<double>(b.size());
  return 2 * precision * recall / (precision + recall);
}

/// The number that a text is, digits' commas, a currency sign, a percent sign and a final full stop
/// aside: "$1,234.50." is 1234.5.
inline std::optional<double> number_of(std::string_view text) {
  std::string digits;
  for (const char c : strip(text))
    if (c != ',' && c != '$' && c != '%') digits += c;
  while (!digits.empty() && digits.back() == '.') digits.pop_back();
  if (digits.starts_with('+')) digits.erase(0, 1);
  double value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                      std::chars_format::fixed);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() ||
      !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// The last number in a text, as it is written there; none if there is none.
inline std::optional<std::string> last_number(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !detail::is_ascii_digit(text[end - 1])) --end;
  if (end == 0) return std::nullopt;
  std::size_t begin = end;
  while (begin > 0) {
    const char c = text[begin - 1];
    // A comma or a point belongs to the number if a digit stands before it, and a point without
    // one begins it.
    const bool digit_before = begin > 1 && detail::is_ascii_digit(text[begin - 2]);
    if (!detail::is_ascii_digit(c) && !((c == ',' || c == '.') && digit_before)) break;
    --begin;
  }
  if (begin > 0 && text[begin - 1] == '.') --begin;
  if (begin > 0 && text[begin - 1] == '-' &&
      (begin == 1 || (!detail::is_ascii_digit(text[begin - 2]) && text[begin - 2] != ')')))
    --begin;
  return std::string(text.substr(begin, end - begin));
}

/// What the last \boxed{...} of a solution holds, with braces in balance; none if there is none.
inline std::optional<std::string> last_boxed(std::string_view text) {
  for (const std::string_view command : {"\\boxed", "\\fbox"}) {
    const std::size_t at = text.rfind(command);
    if (at == text.npos) continue;
    const std::string_view rest = text.substr(at + command.size());
    if (rest.starts_with(' ')) return std::string(rest.substr(1, rest.find('$', 1) - 1));
    if (!rest.starts_with('{')) continue;
    std::size_t depth = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      depth += rest[i] == '{';
      if (rest[i] == '}' && --depth == 0) return std::string(rest.substr(1, i - 1));
    }
  }
  return std::nullopt;
}

/// An answer of MATH in a form in which equal ones are mostly equal texts, by the rules of its
/// authors (Hendrycks et al. 2021, math_equivalence): spacing, \left, \right, \text units, degree,
/// dollar and percent signs go; "tfrac" and "dfrac" are "frac"; "\frac12" and "1/2" are
/// "\frac{1}{2}"; "\sqrt3" is "\sqrt{3}"; ".5" is "0.5"; of "k = 5" the right side counts.
inline std::string normal_math(std::string_view text) {
  std::string s(text);
  using detail::replace_all;
  for (const char* gone :
       {"\n", "\\!", "\\left", "\\right", "^{\\circ}", "^\\circ", "\\$", "\\%", "%"})
    replace_all(s, gone, "");
  replace_all(s, "\\\\", "\\");
  replace_all(s, "tfrac", "frac");
  replace_all(s, "dfrac", "frac");
  if (const std::size_t units = s.find("\\text{ "); units != std::string::npos) s.resize(units);
  replace_all(s, " .", " 0.");
  replace_all(s, "{.", "{0.");
  if (s.starts_with('.')) s.insert(0, "0");
  if (const std::size_t equals = s.find('=');
      equals != std::string::npos && equals <= 2 && s.find('=', equals + 1) == std::string::npos)
    s.erase(0, equals + 1);
  replace_all(s, " ", "");
  // Arguments of one character without braces.
  const auto brace_argument = [&](std::size_t at) {  // returns where the argument ends
    if (at >= s.size()) return at;
    if (s[at] == '{') {
      std::size_t depth = 0;
      for (; at < s.size(); ++at) {
        depth += s[at] == '{';
        if (s[at] == '}' && --depth == 0) return at + 1;
      }
      return at;
    }
    if (s[at] == '\\') return s.size();  // a command: left as it is
    s.insert(at, 1, '{');
    s.insert(at + 2, 1, '}');
    return at + 3;
  };
  for (std::size_t at = 0; (at = s.find("\\sqrt", at)) != std::string::npos;) {
    at += 5;
    if (at < s.size() && s[at] != '[') brace_argument(at);
  }
  for (std::size_t at = 0; (at = s.find("\\frac", at)) != std::string::npos;) {
    at += 5;
    brace_argument(brace_argument(at));
  }
  if (s == "0.5") s = "\\frac{1}{2}";
  const std::size_t slash = s.find('/');
  const auto whole = [](std::string_view part) {
    if (part.starts_with('-')) part.remove_prefix(1);
    return !part.empty() && std::ranges::all_of(part, detail::is_ascii_digit);
  };
  if (slash != std::string::npos && whole(std::string_view(s).substr(0, slash)) &&
      whole(std::string_view(s).substr(slash + 1)))
    s = "\\frac{" + s.substr(0, slash) + "}{" + s.substr(slash + 1) + "}";
  return s;
}

}  // namespace llama2::inline LLAMA2_ABI

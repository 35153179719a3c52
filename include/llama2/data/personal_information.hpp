// Personal information in texts: what looks like an e-mail address, a telephone number and so on.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// How many of each kind a text holds.
struct PersonalInformation {
  std::size_t email_addresses = 0;
  std::size_t phone_numbers = 0;   ///< +49 30 1234567, (555) 123-4567, 555-123-4567
  std::size_t ip_addresses = 0;    ///< of both versions, but private and special ones
  std::size_t card_numbers = 0;    ///< 13 to 19 digits of a known issuer, right by Luhn's check
  std::size_t social_numbers = 0;  ///< social security numbers of the United States

  [[nodiscard]] std::size_t total() const noexcept {
    return email_addresses + phone_numbers + ip_addresses + card_numbers + social_numbers;
  }
  friend bool operator==(const PersonalInformation&, const PersonalInformation&) = default;
};

namespace detail {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alphanumeric(char c) noexcept {
  return is_digit(c) || is_letter(c);
}
constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Luhn's check (ISO/IEC 7812-1): from the right, each second digit doubled, 9 taken from what is
/// then above 9; the sum must be a multiple of ten.
constexpr bool passes_luhn(std::string_view digits) noexcept {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return sum % 10 == 0;
}

/// Looks for one kind of thing at the beginning of a text each; the results are sizes, 0 if it is
/// not there. What stands before the text is the caller's matter.
class PersonalPatterns {
 public:
  explicit constexpr PersonalPatterns(std::string_view text) noexcept : text_(text) {}

  [[nodiscard]] constexpr std::size_t ipv4() const noexcept {
    std::array<unsigned, 4> part{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0 && next(at++) != '.') return 0;
      const std::size_t n = digits(at);
      if (n == 0 || n > 3) return 0;
      for (std::size_t k = 0; k < n; ++k)
        part[i] = 10 * part[i] + static_cast<unsigned>(text_[at + k] - '0');
      if (part[i] > 255) return 0;
      at += n;
    }
    if (is_alphanumeric(next(at)) || (next(at) == '.' && is_digit(next(at + 1)))) return 0;
    const bool is_private = part[0] == 10 || (part[0] == 172 && part[1] >= 16 && part[1] < 32) ||
                            (part[0] == 192 && part[1] == 168);
    const bool is_special =
        part[0] == 0 || part[0] == 127 || part[0] >= 224 || (part[0] == 169 && part[1] == 254);
    return is_private || is_special ? 0 : at;
  }

  /// Eight groups, or fewer and at least three with one "::" between or before them.
  [[nodiscard]] constexpr std::size_t ipv6() const noexcept {
    std::size_t at = 0, groups = 0;
    bool gap = false;
    for (;;) {
      std::size_t n = 0;
      while (is_hex(next(at + n))) ++n;
      if (n > 4) return 0;
      if (n > 0) ++groups;
      at += n;
      if (next(at) != ':') break;
      if (next(at + 1) == ':') {
        if (gap) return 0;
        gap = true;
        at += 2;
      } else {
        if (n == 0 || !is_hex(next(at + 1))) break;
        at += 1;
      }
    }
    if (is_alphanumeric(next(at))) return 0;
    const bool local = text_.starts_with("fe80") || text_.starts_with("FE80");
    return !local && (gap ? groups >= 3 && groups < 8 : groups == 8) ? at : 0;
  }

  /// In one piece, or in the groups in which cards show it: by four, or 4, 6 and 5.
  [[nodiscard]] constexpr std::size_t card_number() const noexcept {
    std::array<char, 19> number{};
    std::array<std::size_t, 5> groups{};
    std::size_t at = 0, count = 0, group = 0;
    const char separator = next(digits(0));
    for (;;) {
      const std::size_t n = digits(at);
      if (n == 0 || count + n > number.size() || group == groups.size()) return 0;
      std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at), n,
                  number.begin() + static_cast<std::ptrdiff_t>(count));
      groups[group++] = n;
      at += n;
      count += n;
      if ((separator != ' ' && separator != '-') || next(at) != separator ||
          !is_digit(next(at + 1)))
        break;
      ++at;
    }
    if (count < 13 || is_alphanumeric(next(at))) return 0;
    if (group > 1) {
      const bool by_four =
          std::all_of(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(group) - 1,
                      [](std::size_t n) { return n == 4; }) &&
          group >= 4 && groups[group - 1] <= 4;
      if (!by_four && !(group == 3 && groups[0] == 4 && groups[1] == 6 && groups[2] == 5)) return 0;
    }
    // American Express, Diners, JCB; Visa; Mastercard; Discover, UnionPay, Maestro.
    if (number[0] < '2' || number[0] > '6') return 0;
    return passes_luhn({number.data(), count}) ? at : 0;
  }

  [[nodiscard]] constexpr std::size_t social_number() const noexcept {
    if (digits(0) != 3 || next(3) != '-' || digits(4) != 2 || next(6) != '-' || digits(7) != 4)
      return 0;
    const std::string_view area = text_.substr(0, 3);
    const bool issued = area != "000" && area != "666" && area[0] != '9' &&
                        text_.substr(4, 2) != "00" && text_.substr(7, 4) != "0000";
    return issued && !is_alphanumeric(next(11)) && next(11) != '-' ? 11 : 0;
  }

  [[nodiscard]] constexpr std::size_t phone_number() const noexcept {
    return next(0) == '+' ? international_phone() : american_phone();
  }

 private:
  [[nodiscard]] constexpr char next(std::size_t at) const noexcept {
    return at < text_.size() ? text_[at] : '\0';
  }
  [[nodiscard]] constexpr std::size_t digits(std::size_t at) const noexcept {
    std::size_t n = 0;
    while (is_digit(next(at + n))) ++n;
    return n;
  }
  static constexpr bool is_separator(char c) noexcept { return c == ' ' || c == '-' || c == '.'; }

  /// "+" and 8 to 15 digits (ITU-T E.164) in groups.
  [[nodiscard]] constexpr std::size_t international_phone() const noexcept {
    std::size_t at = 1, count = 0, end = 0;
    while (count <= 15) {
      std::size_t start = at;
      if (count > 0 && is_separator(next(start))) ++start;
      const bool bracket = next(start) == '(';
      if (bracket) ++start;
      const std::size_t n = digits(start);
      if (n == 0) break;
      if (bracket && next(start + n) != ')') break;
      count += n;
      at = end = start + n + (bracket ? 1 : 0);
      if (bracket && next(at) == ' ') ++at;
    }
    return count >= 8 && count <= 15 && !is_alphanumeric(next(end)) ? end : 0;
  }

  /// An area code, an exchange, neither of which begins with 0 or 1, and four digits.
  [[nodiscard]] constexpr std::size_t american_phone() const noexcept {
    std::size_t at = 0;
    if (next(0) == '1' && is_separator(next(1))) at = 2;
    const bool bracket = next(at) == '(';
    if (bracket) ++at;
    if (digits(at) != 3 || next(at) < '2') return 0;
    at += 3;
    if (bracket) {
      if (next(at++) != ')') return 0;
      if (is_separator(next(at))) ++at;
    } else if (!is_separator(next(at++))) {
      return 0;
    }
    if (digits(at) != 3 || next(at) < '2' || !is_separator(next(at + 3)) || digits(at + 4) != 4)
      return 0;
    return is_alphanumeric(next(at + 8)) ? 0 : at + 8;
  }

  std::string_view text_;
};

}  // namespace detail

/// Counts what looks like personal information. By looks only: it errs both ways.
inline PersonalInformation count_personal_information(std::string_view text) noexcept {
  using namespace detail;
  PersonalInformation found;
  const auto in_domain = [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; };
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const char before = i == 0 ? ' ' : text[i - 1];
    std::size_t size = 0;
    if (c == '@') {
      const bool local = is_alphanumeric(before) || before == '_' || before == '-' || before == '+';
      std::size_t end = i + 1;
      while (end < text.size() && in_domain(text[end])) ++end;
      while (!is_alphanumeric(text[end - 1]) && end > i + 1) --end;  // of the sentence
      const std::string_view domain = text.substr(i + 1, end - i - 1);
      const std::size_t dot = domain.rfind('.');
      if (local && dot != domain.npos && dot > 0 && domain.size() - dot > 2 &&
          std::all_of(domain.begin() + static_cast<std::ptrdiff_t>(dot) + 1, domain.end(),
                      is_letter)) {
        ++found.email_addresses;
        size = end - i;
      }
    } else if ((is_digit(c) || c == '+' || c == '(') && !is_alphanumeric(before) && before != '.' &&
               before != '-' && before != '/') {
      const PersonalPatterns at(text.substr(i));
      if ((size = at.ipv4()) != 0)
        ++found.ip_addresses;
      else if ((size = at.card_number()) != 0)
        ++found.card_numbers;
      else if ((size = at.social_number()) != 0)
        ++found.social_numbers;
      else if ((size = at.phone_number()) != 0)
        ++found.phone_numbers;
      else if (before != ':' && (size = at.ipv6()) != 0)
        ++found.ip_addresses;
      else
        while (i + size < text.size() && is_digit(text[i + size])) ++size;
    } else if (is_hex(c) && !is_alphanumeric(before) && before != ':') {
      if ((size = PersonalPatterns(text.substr(i)).ipv6()) != 0) ++found.ip_addresses;
    }
    i += std::max<std::size_t>(size, 1);
  }
  return found;
}

}  // namespace llama2::inline LLAMA2_ABI

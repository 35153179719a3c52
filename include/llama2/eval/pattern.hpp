// Regular expressions of task files, in bounded time whatever the expression and the text are.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"

namespace llama2::inline LLAMA2_ABI {

namespace detail {

/// A regular expression as a program that a matcher walks through.
struct PatternProgram {
  /// ASCII characters, and as the last whether all others belong to them.
  using Set = std::bitset<129>;
  struct Instruction {
    enum class Op {
      character,  ///< one of sets[a]; the byte -a where a is below 0
      split,      ///< goes on a further, or, should that fail, b
      jump,       ///< goes on a further
      save,       ///< writes the place into slot a
      begin,      ///< of the text
      end,
      boundary,  ///< of a word; with a = 0 where there is none
      match,
    } op;
    std::ptrdiff_t a = 1, b = 1;
  };
  std::vector<Instruction> code;
  std::vector<Set> sets;
  std::size_t groups = 0;
};

inline bool is_word_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Makes programs of ECMAScript's syntax, but for what no bounded time is enough for: what a group
/// held before (\1), and looking ahead.
class PatternParser {
 public:
  static constexpr std::size_t most_instructions = 1000;

  explicit PatternParser(std::string_view text) : text_(text) {
    Code code = alternatives();
    if (at_ != text_.size()) refuse("a ) without a (");
    code.push_back({Op::match});
    program_.code = std::move(code);
  }
  [[nodiscard]] PatternProgram finish() { return std::move(program_); }

 private:
  using Op = PatternProgram::Instruction::Op;
  using Code = std::vector<PatternProgram::Instruction>;
  using Set = PatternProgram::Set;

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::invalid_argument, "not a regular expression",
                {.expected = "ECMAScript's syntax without \\1 and without (?= (?!",
                 .found = std::string(text_) + ": " + why});
  }

  [[nodiscard]] bool next_is(std::string_view what) const noexcept {
    return text_.substr(at_).starts_with(what);
  }
  bool take(std::string_view what) noexcept {
    const bool there = next_is(what);
    if (there) at_ += what.size();
    return there;
  }

  void append(Code& code, const Code& more) const {
    code.insert(code.end(), more.begin(), more.end());
    if (code.size() > most_instructions) refuse("too long");
  }
  static std::ptrdiff_t length(const Code& code) noexcept {
    return static_cast<std::ptrdiff_t>(code.size());
  }

  Code alternatives() {
    if (++depth_ > 100) refuse("too many groups in one another");
    Code code = sequence();
    if (take("|")) {
      const Code other = alternatives();
      Code both{{Op::split, 1, length(code) + 2}};
      append(both, code);
      both.push_back({Op::jump, length(other) + 1});
      append(both, other);
      code = std::move(both);
    }
    --depth_;
    return code;
  }

  Code sequence() {
    Code code;
    while (at_ < text_.size() && !next_is("|") && !next_is(")")) append(code, repeated());
    return code;
  }

  Code repeated() {
    const bool anchor = next_is("^") || next_is("$") || next_is("\\b") || next_is("\\B");
    const Code body = atom();
    constexpr std::size_t endless = std::numeric_limits<std::size_t>::max();
    std::size_t least = 1, most = 1;
    if (take("*")) {
      least = 0, most = endless;
    } else if (take("+")) {
      most = endless;
    } else if (take("?")) {
      least = 0;
    } else if (take("{")) {
      least = number();
      most = take(",") ? (next_is("}") ? endless : number()) : least;
      if (!take("}") || most < least) refuse("a { that is no {n}, {n,} or {n,m}");
    } else {
      return body;
    }
    if (anchor) refuse("a place is repeated");
    const bool greedy = !take("?");
    if (at_ < text_.size() && std::string_view("*+?{").find(text_[at_]) != std::string_view::npos)
      refuse("what is repeated is repeated");
    const auto split = [&](std::ptrdiff_t on, std::ptrdiff_t past) {
      return greedy ? Code{{Op::split, on, past}} : Code{{Op::split, past, on}};
    };
    Code code;
    for (std::size_t i = 0; i < least; ++i) append(code, body);
    if (most == endless) {
      append(code, split(1, length(body) + 2));
      append(code, body);
      code.push_back({Op::jump, -(length(body) + 1)});
    } else {
      for (std::size_t left = most - least; left > 0; --left) {
        append(code, split(1, static_cast<std::ptrdiff_t>(left) * (length(body) + 1)));
        append(code, body);
      }
    }
    return code;
  }

  std::size_t number() {
    std::size_t value = 0, digits = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits)
      value = value * 10 + static_cast<std::size_t>(text_[at_] - '0');
    if (digits == 0 || digits > 4) refuse("a { without a number up to 9999");
    return value;
  }

  Code atom() {
    const char c = text_[at_++];
    switch (c) {
      case '(': {
        const bool captures = !take("?:");
        if (captures && next_is("?")) refuse("(? that is no (?:");
        const auto slot = static_cast<std::ptrdiff_t>(captures ? 2 * ++program_.groups : 0);
        Code code;
        if (captures) code.push_back({Op::save, slot});
        append(code, alternatives());
        if (!take(")")) refuse("a ( without a )");
        if (captures) code.push_back({Op::save, slot + 1});
        return code;
      }
      case '[':
        return character(bracketed());
      case '.':
        return character(~(one('\n') | one('\r')));
      case '^':
        return {{Op::begin}};
      case '$':
        return {{Op::end}};
      case '*':
      case '+':
      case '?':
      case '{':
        refuse("nothing is repeated");
      case '\\':
        if (take("b")) return {{Op::boundary, 1}};
        if (take("B")) return {{Op::boundary, 0}};
        return character(escaped());
      default:
        break;
    }
    if (static_cast<unsigned char>(c) < 0x80) return character(one(c));
    // Another character: its bytes, which a repetition takes together.
    Code code;
    for (--at_; at_ < text_.size() && (code.empty() || (text_[at_] & 0xC0) == 0x80); ++at_)
      code.push_back({Op::character, byte(static_cast<unsigned char>(text_[at_]))});
    return code;
  }

  Code character(const Set& set) {
    program_.sets.push_back(set);
    return {{Op::character, static_cast<std::ptrdiff_t>(program_.sets.size() - 1)}};
  }
  /// A byte that is no ASCII character, for an instruction.
  static std::ptrdiff_t byte(unsigned char value) noexcept { return -static_cast<int>(value); }

  static Set one(char c) { return Set().set(static_cast<unsigned char>(c)); }
  static Set range(char from, char to) {
    Set set;
    for (int c = from; c <= to; ++c) set.set(static_cast<std::size_t>(c));
    return set;
  }

  /// What stands behind a backslash.
  Set escaped() {
    if (at_ == text_.size()) refuse("a \\ at the end");
    const char c = text_[at_++];
    const Set digits = range('0', '9');
    const Set words = digits | range('a', 'z') | range('A', 'Z') | one('_');
    const Set spaces = range('\t', '\r') | one(' ');
    switch (c) {
      case 'd':
        return digits;
      case 'D':
        return ~digits;
      case 'w':
        return words;
      case 'W':
        return ~words;
      case 's':
        return spaces;
      case 'S':
        return ~spaces;
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      default:
        if (is_word_character(c) || static_cast<unsigned char>(c) >= 0x80)
          refuse(std::string("\\") + c);
        return one(c);
    }
  }

  Set bracketed() {
    const bool complement = take("^");
    Set set;
    while (!take("]")) {
      if (at_ == text_.size()) refuse("a [ without a ]");
      if (next_is("[:") || next_is("[=") || next_is("[.")) refuse("a class by name");
      const Set first = member();
      const bool ranges = next_is("-") && !next_is("-]");
      if (!ranges) {
        set |= first;
        continue;
      }
      ++at_;
      if (at_ == text_.size()) refuse("a [ without a ]");
      const Set last = member();
      if (first.count() != 1 || last.count() != 1) refuse("a range of more than characters");
      const auto place = [](const Set& of) {
        std::size_t i = 0;
        while (!of[i]) ++i;
        return static_cast<char>(i);
      };
      if (place(last) < place(first)) refuse("a range that ends before it begins");
      set |= range(place(first), place(last));
    }
    return complement ? ~set : set;
  }

  Set member() {
    const char c = text_[at_++];
    if (c == '\\') return escaped();
    if (static_cast<unsigned char>(c) >= 0x80) refuse("a character in [] that is not ASCII");
    return one(c);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  PatternProgram program_;
};

/// Looks for matches of a program in a text, the way that backtracking does, which decides which of
/// several matches is found; but from no place of the program and the text goes on twice: what
/// failed there fails again. So a search takes steps in proportion to program and text.
class PatternMatcher {
 public:
  using Slots = std::vector<std::size_t>;
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  /// Of all searches together.
  static constexpr std::size_t most_steps = std::size_t{1} << 26;

  PatternMatcher(const PatternProgram& program, std::string_view text)
      : program_(program), text_(text) {}

  /// The first match from `from` on: the places where it, and each group, begins and ends.
  [[nodiscard]] std::optional<Slots> search(std::size_t from) {
    seen_.assign(program_.code.size() * (text_.size() + 1), false);
    spend(seen_.size() / 64);
    for (std::size_t at = from; at <= text_.size(); ++at)
      if (auto slots = match_at(at)) return slots;
    return std::nullopt;
  }

 private:
  using Op = PatternProgram::Instruction::Op;
  /// To go on from somewhere, or to give a slot its value back.
  struct Task {
    std::size_t instruction, at, slot;
  };

  void spend(std::size_t steps) {
    if ((steps_ += steps) > most_steps)
      throw Error(ErrorCode::invalid_argument, "the regular expression takes too long");
  }

  [[nodiscard]] bool is_word(std::size_t at) const noexcept {
    return at < text_.size() && is_word_character(text_[at]);
  }

  /// Bytes of a character that an instruction takes; 0 if it takes none.
  [[nodiscard]] std::size_t taken(std::ptrdiff_t what, std::size_t at) const noexcept {
    if (at == text_.size()) return 0;
    const auto byte = static_cast<unsigned char>(text_[at]);
    if (what < 0) return byte == -what ? 1 : 0;
    const PatternProgram::Set& set = program_.sets[static_cast<std::size_t>(what)];
    if (byte < 0x80) return set[byte] ? 1 : 0;
    if (!set[128]) return 0;
    std::size_t length = 1;
    while (length < 4 && at + length < text_.size() && (text_[at + length] & 0xC0) == 0x80)
      ++length;
    return length;
  }

  std::optional<Slots> match_at(std::size_t start) {
    Slots slots(2 * (program_.groups + 1), none);
    slots[0] = start;
    std::vector<Task> waiting{{0, start, none}};
    while (!waiting.empty()) {
      const Task task = waiting.back();
      waiting.pop_back();
      if (task.slot != none) {
        slots[task.slot] = task.at;
        continue;
      }
      std::size_t instruction = task.instruction, at = task.at;
      for (bool going = true; going;) {
        spend(1);
        const std::size_t state = at * program_.code.size() + instruction;
        if (seen_[state]) break;
        seen_[state] = true;
        const auto& [op, a, b] = program_.code[instruction];
        const auto go = [&](std::ptrdiff_t by) {
          instruction = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(instruction) + by);
        };
        switch (op) {
          case Op::character: {
            const std::size_t length = taken(a, at);
            going = length > 0;
            at += length;
            go(1);
            break;
          }
          case Op::split:
            waiting.push_back(
                {static_cast<std::size_t>(static_cast<std::ptrdiff_t>(instruction) + b), at, none});
            go(a);
            break;
          case Op::jump:
            go(a);
            break;
          case Op::save: {
            std::size_t& slot = slots[static_cast<std::size_t>(a)];
            waiting.push_back({0, slot, static_cast<std::size_t>(a)});
            slot = at;
            go(1);
            break;
          }
          case Op::begin:
            going = at == 0;
            go(1);
            break;
          case Op::end:
            going = at == text_.size();
            go(1);
            break;
          case Op::boundary:
            going = ((at > 0 && is_word(at - 1)) != is_word(at)) == (a == 1);
            go(1);
            break;
          case Op::match:
            slots[1] = at;
            return slots;
        }
      }
    }
    return std::nullopt;
  }

  const PatternProgram& program_;
  std::string_view text_;
  std::vector<bool> seen_;
  std::size_t steps_ = 0;
};

}  // namespace detail

/// A regular expression (ECMAScript, without \1 and looking ahead) over texts of bounded length. A
/// character that is not ASCII is one character, which '.' and [^...] take.
class Pattern {
 public:
  static constexpr std::size_t most_bytes = 4096;

  Pattern() = default;
  /// Throws `invalid_argument` with the reason.
  explicit Pattern(std::string text)
      : text_(std::move(text)), program_(detail::PatternParser(text_).finish()) {}

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// The first group of the first match, or the match where there are no groups. Of a text that is
  /// too long the beginning is searched.
  [[nodiscard]] std::optional<std::string> first(const std::string& text) const {
    const std::string_view part = std::string_view(text).substr(0, most_bytes);
    if (const auto found = Matcher(program_, part).search(0)) return group(part, *found);
    return std::nullopt;
  }

  /// The same of the last match; of a text that is too long the end is searched. Throws
  /// `invalid_argument` where matches are so many and so hard to find that it would take long.
  [[nodiscard]] std::optional<std::string> last(const std::string& text) const {
    const std::string_view part =
        std::string_view(text).substr(text.size() - std::min(text.size(), most_bytes));
    std::optional<std::string> result;
    for_each_match(part, [&](const Slots& match) { result = group(part, match); });
    return result;
  }

  /// All matches replaced: $1 to $9 are groups, $& the match, $$ a dollar. Throws
  /// `invalid_argument` for a text that is too long, and as `last` does.
  [[nodiscard]] std::string replace(const std::string& text, const std::string& by) const {
    if (text.size() > most_bytes)
      throw Error(ErrorCode::invalid_argument, "the text is too long for a regular expression",
                  {.expected = "at most " + std::to_string(most_bytes) + " bytes",
                   .found = std::to_string(text.size())});
    std::string result;
    std::size_t done = 0;
    for_each_match(text, [&](const Slots& match) {
      result.append(text, done, match[0] - done);
      for (std::size_t i = 0; i < by.size(); ++i) {
        const char next = by[i] == '$' && i + 1 < by.size() ? by[i + 1] : '\0';
        const auto number = static_cast<std::size_t>(next - '0');
        if (next == '$' || next == '&' ||
            (next >= '1' && next <= '9' && number <= program_.groups)) {
          if (next == '$')
            result += '$';
          else
            result += piece(text, match, next == '&' ? 0 : number);
          ++i;
        } else {
          result += by[i];
        }
      }
      done = match[1];
    });
    return result.append(text, done);
  }

 private:
  using Matcher = detail::PatternMatcher;
  using Slots = Matcher::Slots;

  template <class F>
  void for_each_match(std::string_view text, const F& f) const {
    Matcher matcher(program_, text);
    for (std::size_t from = 0; from <= text.size();) {
      const auto match = matcher.search(from);
      if (!match) return;
      f(*match);
      from = (*match)[1] + ((*match)[1] == (*match)[0] ? 1 : 0);
    }
  }

  static std::string_view piece(std::string_view text, const Slots& match, std::size_t group) {
    const std::size_t begin = match[2 * group], end = match[2 * group + 1];
    return begin == Matcher::none || end == Matcher::none ? std::string_view()
                                                          : text.substr(begin, end - begin);
  }

  static std::string group(std::string_view text, const Slots& match) {
    for (std::size_t g = 1; g < match.size() / 2; ++g)
      if (match[2 * g] != Matcher::none && match[2 * g + 1] != Matcher::none)
        return std::string(piece(text, match, g));
    return std::string(piece(text, match, 0));
  }

  std::string text_;
  detail::PatternProgram program_;
};

}  // namespace llama2::inline LLAMA2_ABI

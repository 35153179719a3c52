// Published preference data: Anthropic's pairs of transcripts, and answers that several people
// judged.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/data/preferences.hpp"
#include "llama2/data/public_rows.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The messages of a transcript "\n\nHuman: ...\n\nAssistant: ...", stripped. Throws
/// `malformed_file` for a text that does not begin so, turns that do not alternate, an empty
/// message, and a speaker's name at the beginning of another line: then a separator was damaged, or
/// a model has answered for both.
inline std::vector<Message> parse_transcript(std::string_view text) {
  struct Speaker {
    std::string_view name;
    Role role;
  };
  static constexpr std::array<Speaker, 2> speakers = {
      {{"Human:", Role::user}, {"Assistant:", Role::assistant}}};
  constexpr std::string_view gap = "\n\n";
  const auto speaker_of = [&](std::string_view line) -> const Speaker* {
    for (const Speaker& speaker : speakers)
      if (line.starts_with(speaker.name)) return &speaker;
    return nullptr;
  };
  if (!text.starts_with(gap) || speaker_of(text.substr(gap.size())) == nullptr)
    detail::refuse_row("the transcript does not begin with a speaker");
  std::vector<Message> messages;
  while (!text.empty()) {
    text.remove_prefix(gap.size());
    const Speaker& speaker = *speaker_of(text);
    text.remove_prefix(speaker.name.size());
    std::size_t end = text.find(gap);
    while (end != text.npos && speaker_of(text.substr(end + gap.size())) == nullptr)
      end = text.find(gap, end + 1);
    const std::string_view turn = text.substr(0, end);
    text.remove_prefix(turn.size());
    const std::string name = "message " + std::to_string(messages.size() + 1);
    const Role expected = messages.size() % 2 == 0 ? Role::user : Role::assistant;
    if (speaker.role != expected) detail::refuse_row(name + " is out of turn");
    for (std::size_t line = 0; line != turn.npos && line < turn.size();) {
      const std::string_view rest = strip_front(turn.substr(line));
      if (speaker_of(rest) != nullptr)
        detail::refuse_row("a line of " + name + " begins with a speaker's name");
      line = turn.find('\n', line);
      if (line != turn.npos) ++line;
    }
    messages.push_back({speaker.role, std::string(strip(turn))});
  }
  return messages;
}

/// Anthropic's helpful and harmless data (Bai et al. 2022, arXiv:2204.05862): rows of `chosen` and
/// `rejected`, two transcripts that differ in their last answer alone. Bad rows are those where
/// that is not so, and those with answers alike, empty messages, and texts that
/// `require_clean_text` refuses. They have no rating. Throws like `read_public_rows`.
inline PublicRows<PreferencePair> read_hh(const std::string& path,
                                          BadRows bad_rows = BadRows::report) {
  return read_public_rows<PreferencePair>(
      path, bad_rows, [](const nlohmann::json& row, PublicRows<PreferencePair>& result) {
        std::vector<Message> chosen = parse_transcript(detail::text_member(row, "chosen"));
        std::vector<Message> rejected = parse_transcript(detail::text_member(row, "rejected"));
        for (const auto* messages : {&chosen, &rejected}) {
          detail::require_clean_dialogue(*messages);
          if (messages->back().role != Role::assistant) detail::refuse_row("no answer at the end");
        }
        PreferencePair pair{.chosen = std::move(chosen.back().text),
                            .rejected = std::move(rejected.back().text)};
        chosen.pop_back();
        rejected.pop_back();
        if (chosen != rejected) detail::refuse_row("the answers are to different dialogues");
        if (pair.chosen == pair.rejected) detail::refuse_row("the two answers are the same");
        pair.messages = std::move(chosen);
        result.items.push_back(std::move(pair));
      });
}

/// What several judges say together.
struct JointJudgement {
  bool first;  ///< whether the first answer is the better one
  PreferenceRating rating;
};

/// Turns judges' votes, 1 and 2 for an answer and 0 for neither, into a rating: all for one answer
/// "significantly better", none against it but some undecided, and more for it than these,
/// "better", more for it than against "slightly better"; but where most are undecided "negligibly
/// better". Nothing if neither has more votes. Throws `invalid_argument` for fewer than two votes,
/// which say nothing of agreement, and for other numbers.
inline std::optional<JointJudgement> joint_judgement(std::span<const int> votes) {
  std::array<std::size_t, 3> count{};
  for (const int vote : votes) {
    if (vote < 0 || vote > 2)
      throw Error(ErrorCode::invalid_argument, "no vote",
                  {.expected = "0, 1 or 2", .found = std::to_string(vote)});
    ++count[static_cast<std::size_t>(vote)];
  }
  if (votes.size() < 2)
    throw Error(ErrorCode::invalid_argument, "too few votes to agree",
                {.expected = "at least 2", .found = std::to_string(votes.size())});
  if (count[1] == count[2]) return std::nullopt;
  const bool first = count[1] > count[2];
  const std::size_t with = first ? count[1] : count[2], against = first ? count[2] : count[1];
  const PreferenceRating rating = with == votes.size() ? PreferenceRating::significantly
                                  : count[0] >= with   ? PreferenceRating::negligibly
                                  : against == 0       ? PreferenceRating::better
                                                       : PreferenceRating::slightly;
  return JointJudgement{first, rating};
}

/// PandaLM's test set (Wang et al. 2023, arXiv:2306.05087): an instruction and its input, two
/// models' responses, and the votes of `annotator1`, `annotator2`, ... as a rating. Ties are
/// neutral; the id is the row's `idx`, the models are those of `cmp_key`. Throws like
/// `read_public_rows`.
inline PublicRows<PreferencePair> read_pandalm(const std::string& path,
                                               BadRows bad_rows = BadRows::report) {
  return read_public_rows<PreferencePair>(
      path, bad_rows, [](const nlohmann::json& row, PublicRows<PreferencePair>& result) {
        std::string asked = detail::text_member(row, "instruction");
        if (const std::string& input = detail::text_member(row, "input"); !strip(input).empty())
          asked += "\n" + input;
        std::string first = detail::text_member(row, "response1");
        std::string second = detail::text_member(row, "response2");
        detail::require_clean_text(asked, "the instruction");
        detail::require_clean_text(first, "the first response");
        detail::require_clean_text(second, "the second response");
        if (strip(first) == strip(second)) detail::refuse_row("the two answers are the same");
        std::vector<int> votes;
        for (std::size_t judge = 1;; ++judge) {
          const auto vote = row.find("annotator" + std::to_string(judge));
          if (vote == row.end()) break;
          if (!vote->is_number_unsigned() || vote->get<std::uint64_t>() > 2)
            detail::refuse_row("no vote: annotator" + std::to_string(judge));
          votes.push_back(vote->get<int>());
        }
        const auto judged = joint_judgement(votes);
        if (!judged) {
          ++result.neutral;
          return;
        }
        std::string models[2];
        if (const auto key = row.find("cmp_key"); key != row.end() && key->is_string()) {
          const std::string& both = key->get_ref<const std::string&>();
          const std::size_t cut = both.find('_');
          models[0] = both.substr(0, cut);
          if (cut != both.npos) models[1] = both.substr(cut + 1);
        }
        if (!judged->first) {
          std::swap(first, second);
          std::swap(models[0], models[1]);
        }
        PreferencePair pair{.messages = {{Role::user, std::move(asked)}},
                            .chosen = std::move(first),
                            .rejected = std::move(second),
                            .rating = judged->rating,
                            .chosen_model = std::move(models[0]),
                            .rejected_model = std::move(models[1])};
        if (const auto id = row.find("idx"); id != row.end() && id->is_number_unsigned())
          pair.id = std::to_string(id->get<std::uint64_t>());
        result.items.push_back(std::move(pair));
      });
}

}  // namespace llama2::inline LLAMA2_ABI

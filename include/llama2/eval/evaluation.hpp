// Puts a task's items to a model and writes down what it answers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/base/token.hpp"
#include "llama2/eval/judge.hpp"
#include "llama2/eval/likelihood.hpp"
#include "llama2/eval/question.hpp"
#include "llama2/eval/summary.hpp"
#include "llama2/eval/task.hpp"
#include "llama2/generate/batch.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

struct EvaluationOptions {
  std::size_t context = 0;        ///< most tokens of a text; 0: the model's own
  std::size_t positions = 16384;  ///< of keys and values held at a time
  std::uint64_t seed = 20231107;  ///< of texts that are drawn
  bool chat = false;              ///< put prompts that users say into the dialogue format
  Judges judges = {};
};

/// Evaluates a model on tasks. M is a `Model`, or what runs rows of sequences as one does, such as
/// `AnyModel`. For one thread at a time.
template <class M>
class Evaluator {
 public:
  using Json = nlohmann::ordered_json;

  /// Throws `mismatch` if the tokenizer has more ids than the model.
  Evaluator(M model, Tokenizer tokenizer, EvaluationOptions options = {})
      : model_(std::move(model)),
        encoder_(std::move(tokenizer)),
        options_(std::move(options)),
        likelihoods_(model_, options_.positions) {
    if (encoder_.tokenizer().vocab_size() > model_.vocab())
      throw Error(ErrorCode::mismatch, "the tokenizer has ids that the model lacks",
                  {.expected = "at most " + std::to_string(model_.vocab()),
                   .found = std::to_string(encoder_.tokenizer().vocab_size())});
    if (options_.context == 0) options_.context = model_.config().context;
    require_option(options_.context >= 8, "context", static_cast<double>(options_.context),
                   "8 tokens at least");
  }

  /// The ITEMs of docs/evaluation.md for some items of a task, which are evaluated together. Each
  /// has what it would have alone. Throws `unsupported` if the task's judge is not known, what the
  /// task's data throws, and what `Likelihoods` and `Batch` do.
  std::vector<Json> evaluate(TaskData& data, std::span<const std::size_t> numbers) {
    const Task& task = data.task();
    std::vector<Item> items;
    for (const std::size_t number : numbers) items.push_back(data.item(number));
    std::vector<Json> results;
    for (std::size_t i = 0; i < items.size(); ++i) results.push_back(start(items[i]));
    switch (task.kind) {
      case TaskKind::multiple_choice:
      case TaskKind::cloze:
        choose(task, items, results);
        break;
      case TaskKind::preference:
      case TaskKind::perplexity:
        score_texts(task, items, results);
        break;
      case TaskKind::generation:
        generate(task, items, results);
        break;
    }
    return results;
  }

  /// Tokens evaluated so far.
  [[nodiscard]] std::size_t tokens() const noexcept {
    return likelihoods_.tokens() + generated_tokens_;
  }

 private:
  /// What all kinds of items have.
  Json start(const Item& item) {
    return {{"id", item.id},
            {"category", item.category ? Json(*item.category) : Json()},
            {"style", item.style ? Json(*item.style) : Json()},
            {"file", item.record.file()},
            {"line", item.record.line() == 0 ? Json() : Json(item.record.line())},
            {"prompt", ""},
            {"score", nullptr},
            {"cut", false},
            {"contamination", nullptr}};
  }

  /// A choice's bytes without the blank that stands between it and the prompt.
  static std::size_t text_bytes(std::string_view text) {
    return text.size() - (text.starts_with(' ') ? 1 : 0);
  }

  /// Asks for what follows a beginning; where both are longer than the context, the beginning
  /// loses its first tokens.
  LikelihoodQuestion question(const std::string& before, const std::string& after, bool& cut) {
    const std::vector<Token> prefix = encoder_.encode(before);
    LikelihoodQuestion question{encoder_.encode(before + after), 0};
    // The tokens at the seam may not be the same with what follows.
    const auto same = std::ranges::mismatch(prefix, question.tokens).in1 - prefix.begin();
    question.begin = std::max<std::size_t>(1, static_cast<std::size_t>(same));
    // Should the text add nothing, as a space that becomes part of the last token.
    question.begin = std::min(question.begin, question.tokens.size() - 1);
    const std::size_t most = options_.context + 1;  // the last is only predicted
    if (question.tokens.size() > most) {
      const std::size_t gone = question.tokens.size() - most;
      question.tokens.erase(question.tokens.begin() + 1,
                            question.tokens.begin() + 1 + static_cast<std::ptrdiff_t>(gone));
      question.begin = question.begin > gone ? std::max<std::size_t>(1, question.begin - gone) : 1;
      cut = true;
    }
    return question;
  }

  /// As many worked examples as leave room for `ends` of the prompt and what follows each.
  std::size_t shots_that_fit(const Item& item, std::span<const std::string> ends,
                             std::span<const std::string> after, std::size_t room, bool& cut) {
    for (std::size_t shots = item.shots->size();; --shots) {
      std::size_t longest = 0;
      for (std::size_t i = 0; i < ends.size(); ++i)
        longest = std::max(longest, encoder_.encode(item.prompt(shots, ends[i]) + after[i]).size());
      if (longest <= room || shots == 0) {
        cut = cut || shots < item.shots->size();
        return shots;
      }
    }
  }

  void choose(const Task& task, std::span<const Item> items, std::span<Json> results) {
    std::vector<LikelihoodQuestion> questions;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = items[i];
      std::vector<std::string> ends = item.contexts;
      if (ends.empty()) ends.assign(item.choices.size(), item.question);
      bool cut = false;
      const std::size_t shots = shots_that_fit(item, ends, item.choices, options_.context + 1, cut);
      for (std::size_t c = 0; c < ends.size(); ++c)
        questions.push_back(question(item.prompt(shots, ends[c]), item.choices[c], cut));
      if (task.rank == Rank::unconditional)
        for (const std::string& choice : item.choices)
          questions.push_back(question(task.unconditional.render(item.record), choice, cut));
      results[i]["prompt"] = item.prompt(shots, item.question);
      results[i]["cut"] = cut;
    }
    const auto answers = likelihoods_.score(questions);
    auto next = answers.begin();
    for (std::size_t i = 0; i < items.size(); ++i)
      if (task.kind == TaskKind::cloze)
        fill_cloze(items[i], *next++, results[i]);
      else
        fill_choices(task, items[i], next, results[i]);
  }

  static void fill_cloze(const Item& item, const LikelihoodAnswer& answer, Json& result) {
    result["continuation"] = item.choices.front();
    result["log_prob"] = answer.sum();
    result["tokens"] = answer.log_probs.size();
    result["greedy"] = answer.greedy;
    result["correct"] = answer.greedy;
    result["score"] = answer.greedy ? 1 : 0;
  }

  void fill_choices(const Task& task, const Item& item,
                    std::vector<LikelihoodAnswer>::const_iterator& next, Json& result) {
    Json choices = Json::array(), log_probs = Json::array(), tokens = Json::array(),
         bytes = Json::array(), greedy = Json::array(), unconditional = Json::array();
    for (std::size_t c = 0; c < item.choices.size(); ++c, ++next) {
      choices.push_back((item.contexts.empty() ? "" : item.contexts[c]) + item.choices[c]);
      log_probs.push_back(next->sum());
      tokens.push_back(next->log_probs.size());
      bytes.push_back(text_bytes(item.choices[c]));
      greedy.push_back(next->greedy);
    }
    if (task.rank == Rank::unconditional)
      for (std::size_t c = 0; c < item.choices.size(); ++c)
        unconditional.push_back((next++)->sum());
    result["choices"] = choices;
    result["gold"] = item.gold;
    result["log_probs"] = log_probs;
    result["tokens"] = tokens;
    result["bytes"] = bytes;
    result["unconditional"] = unconditional.empty() ? Json() : unconditional;
    result["greedy"] = greedy;
    const auto ranking = detail::ranking(result, task.rank);
    const std::size_t choice = detail::best_of_scores(ranking);
    result["choice"] = choice;
    result["confidence"] = shares_of(ranking)[choice];
    const bool correct = detail::is_gold(result, choice);
    result["correct"] = correct;
    if (task.true_choices.empty())
      result["score"] = correct ? 1 : 0;
    else
      result["score"] = mc2(ranking, item.gold);
  }

  /// A whole text as one question, or, where it is longer than the context, as several windows.
  void add_windows(const std::string& text, std::size_t stride,
                   std::vector<LikelihoodQuestion>& questions) {
    const std::vector<Token> tokens = encoder_.encode(text);
    const std::size_t context = options_.context;
    const std::size_t step = stride == 0 ? context : std::min(stride, context);
    for (std::size_t begin = 1; begin < tokens.size();) {
      // The first window asks for all it holds, the others for what they move on by.
      const std::size_t end = std::min(tokens.size(), begin + (begin == 1 ? context : step));
      const std::size_t first = end > context + 1 && stride != 0 ? end - context - 1 : begin - 1;
      questions.push_back({{tokens.begin() + static_cast<std::ptrdiff_t>(first),
                            tokens.begin() + static_cast<std::ptrdiff_t>(end)},
                           begin - first});
      begin = end;
    }
  }

  void score_texts(const Task& task, std::span<const Item> items, std::span<Json> results) {
    const bool pairs = task.kind == TaskKind::preference;
    std::vector<LikelihoodQuestion> questions;
    std::vector<std::size_t> ends;  // of each text's questions
    const auto texts_of = [&](const Item& item) {
      return pairs ? item.choices : std::vector<std::string>{item.question};
    };
    for (const Item& item : items)
      for (const std::string& text : texts_of(item)) {
        add_windows(text, task.stride, questions);
        ends.push_back(questions.size());
      }
    const auto answers = likelihoods_.score(questions);
    std::size_t next = 0;
    auto end = ends.begin();
    struct Sum {
      double log_prob = 0;
      std::size_t tokens = 0;
      Json windows = Json::array();
    };
    const auto take = [&] {
      Sum sum;
      for (; next < *end; ++next) {
        const double log_prob = answers[next].sum();
        sum.log_prob += log_prob;
        sum.tokens += answers[next].log_probs.size();
        sum.windows.push_back({log_prob, answers[next].log_probs.size()});
      }
      ++end;
      return sum;
    };
    for (std::size_t i = 0; i < items.size(); ++i) {
      Json& result = results[i];
      if (!pairs) {
        const auto [log_prob, tokens, windows] = take();
        result["prompt"] = items[i].question;
        result["log_prob"] = log_prob;
        result["tokens"] = tokens;
        result["windows"] = windows;
        result["bytes"] = items[i].question.size();
        result["words"] = words_of(items[i].question).size();
        result["score"] = -log_prob / static_cast<double>(std::max<std::size_t>(1, tokens));
        continue;
      }
      Json log_probs = Json::array(), tokens = Json::array(), bytes = Json::array();
      for (const std::string& text : items[i].choices) {
        const Sum sum = take();
        log_probs.push_back(sum.log_prob);
        tokens.push_back(sum.tokens);
        bytes.push_back(text.size());
      }
      const double a = log_probs[0].template get<double>(), b = log_probs[1].template get<double>();
      result["choices"] = items[i].choices;
      result["gold"] = Json::array();
      result["log_probs"] = log_probs;
      result["tokens"] = tokens;
      result["bytes"] = bytes;
      result["choice"] = a >= b ? 0 : 1;
      result["score"] = a > b ? 1.0 : a < b ? 0.0 : 0.5;
    }
  }

  struct Generated {
    std::string text;
    double log_prob = 0;
    std::size_t tokens = 0;
    StopReason reason = StopReason::max_tokens;
  };

  void generate(const Task& task, std::span<const Item> items, std::span<Json> results) {
    if (!task.judge.empty() && !options_.judges.contains(task.judge))
      throw Error(ErrorCode::unsupported, "there is no judge of this name",
                  {.file = task.file, .tensor = "judge", .found = task.judge});
    const GenerationSettings& settings = task.generation;
    const std::size_t samples = settings.samples;
    const std::size_t most = std::min(settings.max_tokens, options_.context / 2);
    // A dialogue for each text to be written: what the user says in turn, and the answers so far.
    std::vector<std::vector<Message>> dialogues(items.size() * samples);
    std::vector<Generated> texts;
    for (std::size_t turn = 0; turn <= task.turns.size(); ++turn) {
      std::vector<std::vector<Token>> prompts;
      for (std::size_t i = 0; i < items.size(); ++i)
        for (std::size_t s = 0; s < samples; ++s) {
          std::vector<Message>& dialogue = dialogues[i * samples + s];
          const bool last = turn == items[i].turns.size();
          if (turn > 0) dialogue.push_back({Role::assistant, texts[i * samples + s].text});
          dialogue.push_back({Role::user, last ? items[i].question : items[i].turns[turn]});
          if (s > 0 && turn == 0)
            prompts.push_back(prompts.back());
          else
            prompts.push_back(prompt_tokens(task, items[i], dialogue, most, results[i]));
        }
      texts = write(task, items, prompts, most, turn);
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      Json answers = Json::array();
      std::vector<double> scores;
      for (std::size_t s = 0; s < samples; ++s) {
        const Generated& text = texts[i * samples + s];
        const std::vector<Message>& dialogue = dialogues[i * samples + s];
        const auto [extracted, judgement] = judge(task, items[i], dialogue, text.text);
        if (!std::isfinite(judgement.score))
          throw Error(ErrorCode::invalid_argument, "a judge's score is not a number",
                      {.file = items[i].record.where(), .tensor = task.judge});
        scores.push_back(judgement.score);
        answers.push_back({{"text", text.text},
                           {"extracted", extracted ? Json(*extracted) : Json()},
                           {"log_prob", text.log_prob},
                           {"tokens", text.tokens},
                           {"reason", to_string(text.reason)},
                           {"score", judgement.score},
                           {"label", judgement.label.empty() ? Json() : Json(judgement.label)},
                           {"reward", judgement.reward ? Json(*judgement.reward) : Json()}});
        if (dialogue.size() > 1)
          answers.back()["before"] = said(std::span(dialogue).first(dialogue.size() - 1));
      }
      results[i]["turns"] = items[i].turns.size() + 1;
      results[i]["references"] = items[i].references.empty() ? Json() : Json(items[i].references);
      results[i]["answers"] = answers;
      results[i]["score"] =
          task.metric == AnswerMetric::pass_at
              ? pass_at_k(scores.size(), static_cast<std::size_t>(std::ranges::count(scores, 1.0)),
                          task.pass_at.front())
              : mean_of(scores);
    }
  }

  /// What was said, for people, and for models that know no dialogue.
  static std::string said(std::span<const Message> dialogue) {
    std::string text;
    for (const Message& message : dialogue)
      text += message.text + (message.role == Role::user ? "\n" : "\n\n");
    return text;
  }

  /// What the model is given of a dialogue that ends with the item's question, or with what stands
  /// before it; as many tokens as leave room for `most` of an answer.
  std::vector<Token> prompt_tokens(const Task& task, const Item& item,
                                   const std::vector<Message>& dialogue, std::size_t most,
                                   Json& result) {
    const std::size_t room = options_.context - most;
    const std::string& question = dialogue.back().text;
    const std::string nothing;
    bool cut = false;
    const std::size_t shots =
        shots_that_fit(item, std::span(&question, 1), std::span(&nothing, 1), room, cut);
    const std::string prompt = item.prompt(shots, question);
    std::vector<Token> tokens;
    if (task.chat && options_.chat) {
      std::vector<Message> messages = dialogue;
      messages.back().text = prompt;
      tokens = encode_dialogue(encoder_.tokenizer(), messages);
    } else {
      tokens = encoder_.encode(said(std::span(dialogue).first(dialogue.size() - 1)) + prompt);
    }
    if (tokens.size() > room) {
      const auto gone = static_cast<std::ptrdiff_t>(tokens.size() - room);
      tokens.erase(tokens.begin() + 1, tokens.begin() + 1 + gone);
      cut = true;
    }
    result["prompt"] = prompt;
    result["cut"] = cut || result["cut"].get<bool>();
    return tokens;
  }

  static std::string normalise(NormalForm form, std::string_view text) {
    switch (form) {
      case NormalForm::answer:
        return normal_answer(text);
      case NormalForm::lower_case:
        return ascii_lower_case(strip(text));
      case NormalForm::math:
        return normal_math(strip(text));
      case NormalForm::none:
        break;
    }
    return std::string(strip(text));
  }

  std::pair<std::optional<std::string>, Judgement> judge(const Task& task, const Item& item,
                                                         std::span<const Message> dialogue,
                                                         const std::string& text) const {
    const std::optional<std::string> part = task.extract.apply(text);
    if (!task.judge.empty())
      return {part, options_.judges.at(task.judge)(
                        {item.question, part ? *part : text, item.record, dialogue})};
    double best = 0;
    for (const std::string& reference : item.references) {
      if (!part) break;
      if (task.metric == AnswerMetric::numeric) {
        const auto a = number_of(*part), b = number_of(reference);
        best = std::max(best, a && b && *a == *b ? 1.0 : 0.0);
      } else if (task.metric == AnswerMetric::f1) {
        best = std::max(best, word_f1(*part, reference));
      } else {
        best = std::max(
            best, normalise(task.normal, *part) == normalise(task.normal, reference) ? 1.0 : 0.0);
      }
    }
    return {part, {best, {}, {}}};
  }

  /// Continues the prompts, `samples` of each item, as many at once as there are pages for. What
  /// they begin with alike is evaluated once.
  std::vector<Generated> write(const Task& task, std::span<const Item> items,
                               std::span<const std::vector<Token>> prompts, std::size_t most,
                               std::size_t turn) {
    const GenerationSettings& settings = task.generation;
    std::vector<Generated> texts(prompts.size());
    std::vector<std::string> stop = settings.stop;
    // What stands behind a tag of the format is no answer, and no dialogue could hold it.
    if (task.chat && options_.chat)
      for (const std::string_view tag : chat_tags) stop.emplace_back(tag);
    std::size_t longest = 0, shared = prompts.front().size() - 1;
    for (const auto& prompt : prompts) {
      longest = std::max(longest, prompt.size());
      const auto same = std::ranges::mismatch(prompt, prompts.front()).in1 - prompt.begin();
      shared = std::min({shared, prompt.size() - 1, static_cast<std::size_t>(same)});
    }
    const std::size_t context = longest + most;
    const std::size_t pages = ceil_div(context, kv_page_positions);
    const std::size_t at_once =
        std::max<std::size_t>(1, options_.positions / kv_page_positions / pages);
    auto pool = model_.make_pool((std::min(at_once, texts.size()) + 1) * pages * kv_page_positions);
    typename M::Sequence past(pool, context);
    auto scratch = model_.make_scratch(max_batch_rows);
    std::vector<typename M::Row> rows;
    for (std::size_t i = 0; i < shared; i += rows.size()) {
      rows.clear();
      for (std::size_t j = i; j < std::min(shared, i + max_batch_rows); ++j)
        rows.push_back({prompts.front()[j], j, &past});
      model_.forward(rows, scratch, {});
    }
    generated_tokens_ += shared;

    Batch<M> batch(model_, encoder_.tokenizer(), pool);
    for (std::size_t next = 0; next < texts.size() || batch.size() > 0;) {
      for (; next < texts.size() && batch.size() < at_once; ++next) {
        Generated& text = texts[next];
        const Item& item = items[next / settings.samples];
        GenerateOptions options{.max_tokens = most,
                                .temperature = settings.temperature,
                                .top_p = settings.top_p,
                                .stop = stop};
        // The seed of an item's only turn is that of its last.
        const std::string earlier =
            turn < item.turns.size() ? " turn " + std::to_string(turn + 1) : "";
        options.seed =
            mix_bits(detail::seed_for(options_.seed, task.name + " " + item.id + earlier) ^
                     mix_bits(task.seed + next % settings.samples));
        options.on_token = [&text](Token token, std::span<const float> logits) {
          text.log_prob += log_probability(logits, token);
          ++text.tokens;
        };
        const auto& prompt = prompts[next];
        generated_tokens_ += prompt.size() - shared;
        batch.add(
            past.fork(prompt.size() + most), prompt, options,
            [&text](std::string_view piece) {
              text.text += piece;
              return true;
            },
            [&text](auto, const BatchResult& end) { text.reason = end.reason; });
      }
      batch.step();
    }
    for (const Generated& text : texts) generated_tokens_ += text.tokens;
    return texts;
  }

  M model_;
  LineEncoder encoder_;
  EvaluationOptions options_;
  Likelihoods<M> likelihoods_;
  std::size_t generated_tokens_ = 0;
};

}  // namespace llama2::inline LLAMA2_ABI

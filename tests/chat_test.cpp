// Dialogues: the format against sentencepiece alone, stop strings, chats that are left and resumed.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "error_of.hpp"
#include "llama2/base/random.hpp"
#include "llama2/generate/chat.hpp"
#include "llama2/generate/transcript.hpp"
#include "llama2/io/load_tokenizer.hpp"
#include "llama2/model/random_model.hpp"
#include "llama2/text/stop_strings.hpp"
#include "synthetic_tokenizer.hpp"
#include "temp_file.hpp"
#include "test_data.hpp"

using namespace llama2;
using test::error_of;

namespace {

struct Tiny {
  static constexpr std::size_t dim = 24, hidden_dim = 44, layers = 2, heads = 4, kv_heads = 2,
                               vocab = test::synthetic_vocab, context = 1024;
};
using TinyModel = Model<Tiny, F32>;
using TinyChat = Chat<Session<TinyModel>>;

const auto ignore = [](std::string_view) { return true; };

TinyChat tiny_chat(std::vector<Message> messages = {}, std::size_t context = 0) {
  static const TinyModel model = make_random_model<TinyModel>(4);
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  return {Session<TinyModel>(model, tokenizer, {.context = context}),
          tokenizer,
          {.generate = {.max_tokens = 12, .temperature = 0.9f, .seed = 5}},
          std::move(messages)};
}

std::vector<Message> copy(std::span<const Message> messages) {
  return {messages.begin(), messages.end()};
}

ErrorCode code_of(const std::function<void()>& f) {
  const auto error = error_of(f);
  REQUIRE(error);
  return error->code();
}

}  // namespace

TEST_CASE("dialogues have the ids that sentencepiece alone gives") {
  const auto vocabulary = test_data("tokenizer-llama2/tokenizer.model");
  if (!vocabulary) return;
  const Tokenizer tokenizer = load_tokenizer(vocabulary->string());
  std::ifstream file(std::string(LLAMA2_SOURCE_DIR) + "/tests/golden/dialogue.json");
  const auto dialogues = nlohmann::json::parse(file);
  REQUIRE(dialogues.size() == 6);
  for (const auto& dialogue : dialogues) {
    std::vector<Message> messages;
    for (const auto& message : dialogue["messages"]) {
      const auto role = message["role"].get<std::string>();
      messages.push_back(
          {role == "system" ? Role::system : (role == "user" ? Role::user : Role::assistant),
           message["text"].get<std::string>()});
    }
    CHECK(encode_dialogue(tokenizer, messages) == dialogue["ids"].get<std::vector<Token>>());
  }
}

TEST_CASE("texts are stripped as in Python") {
  CHECK(strip("") == "");
  CHECK(strip(" \t\n\v\f\r") == "");
  CHECK(strip("\x1c\x1d\x1e\x1f a b \x1f") == "a b");
  CHECK(strip("\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\u0085x\u3000\u0085") == "x");
  CHECK(strip("\u200bx\u200b") == "\u200bx\u200b");  // a space of no width is none to Python
  CHECK(strip("\xA0x\xA0") == "\xA0x\xA0");          // not UTF-8
  CHECK(strip("\x80\x80\x80\x80") == "\x80\x80\x80\x80");
  CHECK(strip("\xE3\x80 ") == "\xE3\x80");
}

TEST_CASE("what is no dialogue is refused") {
  const Tokenizer tokenizer = test::synthetic_tokenizer();
  const auto refused = [&](const std::vector<Message>& messages) {
    return code_of([&] { (void)encode_dialogue(tokenizer, messages); }) ==
           ErrorCode::invalid_argument;
  };
  CHECK(refused({}));
  CHECK(refused({{Role::system, "x"}}));
  CHECK(refused({{Role::assistant, "x"}}));
  CHECK(refused({{Role::user, "x"}, {Role::user, "x"}}));
  CHECK(refused({{Role::user, "x"}, {Role::system, "x"}}));
  CHECK(refused({{Role::system, "x"}, {Role::system, "x"}, {Role::user, "x"}}));
  for (const char* tag : {"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"}) {
    CHECK(refused({{Role::user, std::string("a ") + tag}}));
    CHECK(refused({{Role::system, tag}, {Role::user, "a"}}));
    CHECK(refused({{Role::user, "a"}, {Role::assistant, tag}, {Role::user, "a"}}));
  }
  CHECK_FALSE(encode_dialogue(tokenizer, std::vector<Message>{{Role::user, "[INST"}}).empty());
}

TEST_CASE("stop strings end a text and no part of them is shown") {
  Random random(3);
  const auto some = [&](std::size_t most) {
    std::string text(random() % (most + 1), ' ');
    for (char& c : text) c = static_cast<char>('a' + random() % 3);
    return text;
  };
  std::size_t stopped = 0, kept = 0;
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::string> stops(random() % 4);
    for (auto& stop : stops) stop = some(4) + "a";
    const std::string text = some(20);
    // Character by character: the first stop to be complete, the longest of several.
    std::size_t end = text.size();
    for (std::size_t n = 1; n <= text.size() && end == text.size(); ++n)
      for (const auto& stop : stops)
        if (std::string_view(text).substr(0, n).ends_with(stop))
          end = std::min(end, n - stop.size());
    StopStrings filter(stops);
    std::string shown;
    for (std::size_t at = 0; at < text.size() && !filter.stopped();) {
      const std::size_t n = 1 + random() % 5;
      shown += filter.push(std::string_view(text).substr(at, n));
      at += n;
      REQUIRE(shown.size() <= end);
      kept += shown.size() < std::min(at, end);
    }
    stopped += filter.stopped();
    if (!filter.stopped()) shown += filter.flush();
    REQUIRE(shown == text.substr(0, end));
    REQUIRE(filter.flush().empty());
  }
  CHECK(stopped > 500);
  CHECK(kept > 500);
  CHECK(code_of([] { StopStrings({""}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([] { StopStrings({"a", "\xc3"}); }) == ErrorCode::invalid_argument);
}

TEST_CASE("a chat resumed from its transcript goes on as if never left") {
  TinyChat chat = tiny_chat();
  chat.set_system("be brief");
  const test::TempFile file("transcript.json");
  for (const char* said : {"the hat", "in the tin", " then\n", "and"}) {
    save_transcript(file.path(), chat.messages());
    const auto messages = load_transcript(file.path());
    CHECK(messages == copy(chat.messages()));
    TinyChat resumed = tiny_chat(messages);
    std::string shown;
    const auto answer = chat.say(said, [&](std::string_view piece) {
      shown += piece;
      return true;
    });
    CHECK(strip(shown) == answer.text);
    resumed.say(said, ignore);
    CHECK(copy(resumed.messages()) == copy(chat.messages()));
    CHECK(std::ranges::equal(resumed.session().tokens(), chat.session().tokens()));
  }
  CHECK(chat.answers() == 4);
  CHECK(chat.messages().size() == 9);
}

TEST_CASE("only what is new of a dialogue is evaluated") {
  TinyChat chat = tiny_chat();
  std::uint64_t evaluated = 0;
  chat.generate_options().on_prompt = [&](std::uint64_t, std::uint64_t total) {
    evaluated = total;
  };
  const auto first = chat.say("the hat in the tin", ignore);
  CHECK(first.result.prompt_tokens > 20);
  CHECK(evaluated == first.result.prompt_tokens);
  const auto again = chat.regenerate(ignore);
  CHECK(again.result.prompt_tokens == 0);  // the whole prompt was known
  CHECK(evaluated == 1);                   // but for the logits after it
  const std::size_t before = chat.session().tokens().size();
  const auto second = chat.say("so", ignore);
  CHECK(second.result.prompt_tokens < before);
  CHECK(evaluated <= second.result.prompt_tokens + 1);
  // A message that is taken back and edited leaves what was before it.
  CHECK(chat.undo() == "so");
  const auto edited = chat.say("so not", ignore);
  CHECK(edited.result.prompt_tokens < before);
  CHECK(evaluated <= edited.result.prompt_tokens + 1);
}

TEST_CASE("answers are tried again, messages taken back and edited") {
  TinyChat chat = tiny_chat();
  CHECK(code_of([&] { chat.regenerate(ignore); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { chat.undo(); }) == ErrorCode::invalid_argument);
  chat.say("the hat", ignore);
  const auto first = copy(chat.messages());
  chat.regenerate(ignore);
  CHECK(chat.messages()[1].text != first[1].text);  // another stream of random numbers
  CHECK(chat.messages().size() == 2);

  CHECK(chat.undo() == "the hat");
  CHECK(chat.messages().empty());
  chat.say("the hat", ignore);
  CHECK(copy(chat.messages()) == first);

  chat.say("second", ignore);
  CHECK(chat.undo() == "second");
  TinyChat other = tiny_chat(first);
  chat.say("third", ignore);
  other.say("third", ignore);
  CHECK(copy(chat.messages()) == copy(other.messages()));
}

TEST_CASE("another answer depends on how many it replaces, and on nothing before") {
  TinyChat chat = tiny_chat();
  const auto regenerate = [](TinyChat& each) { return std::string(each.regenerate(ignore).text); };
  const std::string first(chat.say("the hat", ignore).text);
  const std::string second = regenerate(chat);
  const auto left = copy(chat.messages());
  chat.say("in the tin", ignore);
  chat.undo();
  const std::string third = regenerate(chat);  // after another message, too
  CHECK(std::set{first, second, third}.size() == 3);

  TinyChat resumed = tiny_chat(left);
  CHECK(regenerate(resumed) == third);
  CHECK(regenerate(resumed) == regenerate(chat));
  CHECK(chat.messages().back().replaced == 3);
  TinyChat read = tiny_chat(parse_transcript(transcript_text(chat.messages()), ""));
  CHECK(regenerate(read) == regenerate(chat));

  // An answer that comes back does not bring all that follow back.
  chat.generate_options().max_tokens = 1;
  std::set<std::string> answers;
  for (int i = 0; i < 40; ++i) answers.insert(regenerate(chat));
  CHECK(answers.size() > 10);
}

TEST_CASE("options can be replaced, and an answer still ends before a tag of the format") {
  TinyChat chat = tiny_chat();
  GenerateOptions& options = chat.generate_options();
  // What lets the model say nothing but a tag, byte by byte (the byte 0 has the id 3).
  std::size_t at = 0;
  const SamplingStage tag = [&at](Candidates& candidates, std::span<const Token>) {
    constexpr std::string_view said = "so [INST] and";
    const auto wanted = static_cast<Token>(3 + said[at++ % said.size()]);
    std::ranges::fill(candidates.logits(), -INFINITY);
    *candidates.find(wanted) = 0;
  };
  options = {.max_tokens = 30, .stages = {tag}, .stop = {"never"}};
  const auto answer = chat.say("the hat", ignore);
  CHECK(answer.text == "so");
  CHECK(answer.result.reason == StopReason::stop_string);

  // An answer that fills the context ends there.
  TinyChat small = tiny_chat({}, 150);
  small.generate_options().sinks = 4;
  small.generate_options().max_tokens = 1000;
  small.generate_options().logit_bias = {{1, -INFINITY}, {2, -INFINITY}};
  CHECK(small.say("the hat", ignore).result.reason == StopReason::context_full);
}

TEST_CASE("a chat that cannot go on is as before") {
  TinyChat chat = tiny_chat({}, 150);
  chat.say("the hat", ignore);
  const auto before = copy(chat.messages());
  CHECK(code_of([&] { chat.say("a [INST] b", ignore); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { chat.say(std::string(200, 'x'), ignore); }) == ErrorCode::context_exhausted);
  const auto fail = [](std::string_view) -> bool { throw std::runtime_error("enough"); };
  CHECK_THROWS_AS(chat.say("in", fail), std::runtime_error);
  CHECK_THROWS_AS(chat.regenerate(fail), std::runtime_error);
  CHECK(code_of([&] { chat.set_system("<<SYS>>"); }) == ErrorCode::invalid_argument);
  CHECK(copy(chat.messages()) == before);
  TinyChat other = tiny_chat(before, 150);
  chat.say("in", ignore);
  other.say("in", ignore);
  CHECK(copy(chat.messages()) == copy(other.messages()));

  // The user stops an answer: what came counts.
  std::string shown;
  const auto stopped = chat.say("go", [&](std::string_view piece) {
    shown += piece;
    return false;
  });
  CHECK(stopped.result.reason == StopReason::stopped);
  CHECK(stopped.text == strip(shown));
}

TEST_CASE("a transcript has a U+FFFD for each byte that is no UTF-8") {
  const std::vector<Message> messages = {
      {Role::user, "a\xE3\x81 \xC3\xA9\xFF"},  // a character that is cut off, one that is whole
      {Role::assistant, "b\xF0\x9F\x98"}};
  const auto read = parse_transcript(transcript_text(messages), "");
  REQUIRE(read.size() == 2);
  CHECK(read[0].text == "a\uFFFD\uFFFD \u00e9\uFFFD");
  CHECK(read[1].text == "b\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("transcripts that are none are refused") {
  const test::TempFile file("transcript.json");
  const auto refused = [&](std::string_view text) {
    std::ofstream(file.path(), std::ios::binary) << text;
    return code_of([&] { (void)load_transcript(file.path()); }) == ErrorCode::malformed_file;
  };
  for (const char* text :
       {"", "{}", "[", "[1]", "[null]", R"([{"role":"user"}])", R"([{"content":"x"}])",
        R"([{"role":1,"content":"x"}])", R"([{"role":"user","content":["x"]}])",
        R"([{"role":"tool","content":"x"}])", "[\"\xFF\"]",
        R"([{"role":"user","content":"x","replaced":"1"}])",
        R"([{"role":"user","content":"x","replaced":-1}])",
        R"([{"role":"user","content":"x","replaced":[]}])"})
    CHECK(refused(text));
  CHECK(refused(std::string(1'000'000, '[')));
  CHECK(code_of([] { tiny_chat({{Role::user, "x"}}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([] { tiny_chat({{Role::system, "[INST]"}}); }) == ErrorCode::invalid_argument);
  CHECK(tiny_chat({{Role::system, "x"}}).answers() == 0);
}

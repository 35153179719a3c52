// A dialogue with a chat model, at the terminal.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common.hpp"
#include "interrupt.hpp"
#include "llama2/generate/chat.hpp"
#include "llama2/generate/transcript.hpp"
#include "model_options.hpp"
#include "terminal.hpp"

namespace {

using AnyChat = llama2::Chat<llama2::AnySession>;

constexpr std::string_view help_text =
    R"(/system [TEXT]  sets the system prompt, or without a text takes it away
/regen          another answer in place of the last
/undo           takes back your last message and its answer
/save FILE      writes the dialogue as JSON
/load FILE      goes on with a dialogue that was saved
/stats          tokens and rates
/help           this text
/quit           ends; Ctrl-D does, too
A line that ends with \ goes on in the next; one that begins with a blank is
said, whatever follows. Ctrl-C stops an answer.
)";

std::filesystem::path history_file() {
  const char* const home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? std::filesystem::path()
                                          : std::filesystem::path(home) / ".llama2_chat_history";
}

/// The chat and what is typed to it.
class Program {
 public:
  Program(std::function<AnyChat(std::vector<llama2::Message>)> make,
          std::vector<llama2::Message> messages)
      : make_(std::move(make)), chat_(make_(std::move(messages))), terminal_(history_file()) {}

  void set_system(const std::string& text) { chat_.set_system(text); }

  void run() {
    if (terminal_.is_interactive()) std::cout << "/help tells what there is besides talking.\n";
    examples::interrupt_only();
    while (const auto line = terminal_.read("> ")) {
      if (llama2::strip(*line).empty()) continue;
      try {
        if (!obey(*line)) return;
      } catch (const llama2::Error& error) {
        std::cerr << examples::without_controls(error.what());
        if (error.code() == llama2::ErrorCode::context_exhausted)
          std::cerr << " (/undo takes back the last message; --context N makes room)";
        std::cerr << '\n';
      }
    }
  }

 private:
  /// Does what a line says; false at the end.
  bool obey(const std::string& line) {
    if (line[0] != '/') {
      answer([&](const auto& show) { return chat_.say(line, show); });
      return true;
    }
    const std::size_t space = line.find_first_of(" \n");
    const std::string command = line.substr(0, space);
    const std::string argument(space == line.npos
                                   ? std::string_view()
                                   : llama2::strip(std::string_view(line).substr(space)));
    if (command == "/quit" || command == "/exit") return false;
    if (command == "/help") {
      std::cout << help_text;
    } else if (command == "/system") {
      chat_.set_system(argument);
    } else if (command == "/regen") {
      answer([&](const auto& show) { return chat_.regenerate(show); });
    } else if (command == "/undo") {
      std::cout << "taken back: " << terminal_.shown(chat_.undo()) << '\n';
    } else if (command == "/save" || command == "/load") {
      if (argument.empty())
        throw llama2::Error(llama2::ErrorCode::invalid_argument, command + " needs a file");
      if (command == "/save") {
        llama2::save_transcript(argument, chat_.messages());
        std::cout << "saved " << chat_.messages().size() << " messages to " << argument
                  << "; --load and --seed " << chat_.generate_options().seed
                  << " go on as this chat would\n";
      } else {
        load(llama2::load_transcript(argument));
      }
    } else if (command == "/stats") {
      stats();
    } else {
      std::cerr << "no such command: " << command << " (/help lists them)\n";
    }
    return true;
  }

  /// Goes on with another dialogue, and shows where it is.
  void load(std::vector<llama2::Message> messages) {
    chat_ = make_(std::move(messages));
    last_.reset();
    if (!terminal_.is_interactive() || chat_.answers() == 0) return;
    const auto last = chat_.messages().last(2);
    std::cout << "> " << terminal_.shown(last[0].text) << '\n'
              << terminal_.colour("36") << terminal_.shown(last[1].text) << terminal_.colour("0")
              << '\n';
  }

  template <class Ask>
  void answer(Ask&& ask) {
    examples::interrupted = false;
    const std::stop_source cancel;
    const examples::OnInterrupt on_interrupt(cancel);
    chat_.generate_options().cancel = cancel.get_token();
    std::cout << terminal_.colour("36");
    try {
      last_ = ask([this](std::string_view text) {
                std::cout << terminal_.shown(text) << std::flush;
                return std::cout.good();
              }).result;
    } catch (...) {
      std::cout << terminal_.colour("0") << std::flush;
      throw;
    }
    std::cout << terminal_.colour("0") << '\n';
    if (last_->reason != llama2::StopReason::end_of_text)
      std::cerr << "(" << to_string(last_->reason) << ")\n";
    std::cout.flush();
  }

  void stats() {
    std::printf("%zu answer%s, with --seed %llu; %zu of %zu tokens of the context in use\n",
                chat_.answers(), chat_.answers() == 1 ? "" : "s",
                static_cast<unsigned long long>(chat_.generate_options().seed),
                chat_.session().tokens().size(), chat_.session().context());
    if (last_) {
      const auto rate = [](std::size_t tokens, double seconds) {
        return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
      };
      std::printf("last: ");
      if (last_->prompt_tokens != 0)  // none where an answer is tried again
        std::printf("%zu new tokens read at %.1f tokens/s, ", last_->prompt_tokens,
                    rate(last_->prompt_tokens, last_->prompt_seconds));
      std::printf("%zu produced at %.1f tokens/s\n", last_->tokens,
                  rate(last_->tokens, last_->seconds));
    }
    std::fflush(stdout);
  }

  std::function<AnyChat(std::vector<llama2::Message>)> make_;
  AnyChat chat_;
  examples::Terminal terminal_;
  std::optional<llama2::GenerateResult> last_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A dialogue with a Llama 2 chat model. Reads lines; /help lists the commands."};
  std::string system, transcript;
  llama2::ChatOptions options;
  examples::ModelOptions model_options(app, "the dialogue");
  app.add_option("--system", system, "system prompt");
  app.add_option("--load", transcript, "go on with a dialogue that /save wrote");
  examples::SamplingOptions sampling(app, options.generate);

  return examples::run(app, argc, argv, [&] {
    sampling.finish();
    std::vector<llama2::Message> messages;
    if (!transcript.empty()) messages = llama2::load_transcript(transcript);

    const llama2::AnyModel model = model_options.load_model();
    const llama2::Tokenizer tokenizer = model_options.load_tokenizer(model);
    Program program(
        [&](std::vector<llama2::Message> from) {
          return AnyChat(model.session(tokenizer, model_options.context()), tokenizer, options,
                         std::move(from));
        },
        std::move(messages));
    if (!system.empty()) program.set_system(system);
    program.run();
  });
}

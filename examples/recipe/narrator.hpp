// From what happened to a text: joins the clauses of events into sentences and paragraphs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "grammar.hpp"
#include "simulation.hpp"

namespace recipe {

/// Tells a plan's events in order. Events that follow from each other, or oppose each other, are
/// joined to one sentence where that reads well: "She waited, but nobody came."
class Narrator {
 public:
  Narrator(const Plan& plan, llama2::Random& random) : random_(random), writer_(plan.cast, random) {
    for (const Event& event : plan.events) tell(event);
    finish();
  }

  std::string take() { return writer_.take(); }

 private:
  /// The clause in a pattern "$a ..." that is a single statement, without its full stop; empty if
  /// the pattern is anything else.
  static std::string_view clause_of(std::string_view pattern) {
    if (!pattern.starts_with("$a ")) return {};
    if (pattern.ends_with('.')) pattern.remove_suffix(1);
    bool in_verb = false;
    for (const char c : pattern) {
      if (c == '<') in_verb = true;
      if (c == '>') in_verb = false;
      if (!in_verb && (c == '.' || c == '!' || c == '?' || c == '"' || c == ':' || c == '#'))
        return {};
    }
    return pattern;
  }

  void tell(const Event& event) {
    tell_one(event);
    last_subject_ = event.roles.a;
  }

  void tell_one(const Event& event) {
    const std::string_view pattern = writer_.choose(event.text);
    if (event.paragraph) {
      finish();
      writer_.new_paragraph();
    }
    const std::string_view clause = clause_of(pattern);
    if (clause.empty()) {
      finish();
      write_sentence(pattern, event);
      return;
    }
    if (!pending_.empty() && event.link != Link::plain && join(clause, event)) return;
    finish();
    pending_ = clause;
    pending_event_ = &event;
    pending_goes_on_ = last_subject_ == event.roles.a;
  }

  /// Writes the pending clause and this one as one sentence, if that is a good idea.
  bool join(std::string_view clause, const Event& event) {
    if (pending_.size() + clause.size() > 150) return false;
    const Event& first = *pending_event_;
    const bool same = first.roles.a == event.roles.a;
    std::string_view between;
    switch (event.link) {
      case Link::then:
        if (!same || chance(random_, 0.3)) return false;
        if (chance(random_, 0.25) && first.act != "feel") {
          writer_.write("After", first.roles);
          writer_.write_predicate(pending_, first.roles, true);
          writer_.write(",", first.roles);
          writer_.write(clause, event.roles);
          close();
          return true;
        }
        if (pending_.find(" and ") != pending_.npos || clause.find(" and ") != clause.npos)
          return false;
        between = " and";
        break;
      case Link::so:
        if (chance(random_, 0.4)) return false;
        if (same && first.act != "feel" && chance(random_, 0.3)) {
          writer_.write("Because", first.roles);
          writer_.write(pending_, first.roles);
          writer_.write(",", first.roles);
          writer_.write(clause, event.roles);
          close();
          return true;
        }
        between = ", so";
        break;
      case Link::but:
        if (chance(random_, 0.35)) return false;
        between = ", but";
        break;
      case Link::plain:
        return false;
    }
    write_linked(pending_, first);
    writer_.write(between, event.roles);
    if (event.link == Link::then)
      writer_.write_predicate(clause, event.roles, false);
    else
      writer_.write(clause, event.roles);
    close();
    return true;
  }

  void close() {
    writer_.write(".", {});
    pending_ = {};
  }

  void finish() {
    if (pending_.empty()) return;
    write_linked(pending_, *pending_event_);
    close();
  }

  /// A clause that begins a sentence, with the word that ties it to the sentence before.
  void write_linked(std::string_view clause, const Event& event) {
    const bool opens = event.paragraph;
    if (event.link == Link::so && !opens && chance(random_, 0.5)) writer_.write("So", event.roles);
    if (event.link == Link::but && !opens) writer_.write("But", event.roles);
    if (event.link == Link::then && !opens && pending_goes_on_ && chance(random_, 0.3))
      writer_.write("[Then|After that,|Then]", event.roles);
    writer_.write(clause, event.roles);
  }

  void write_sentence(std::string_view pattern, const Event& event) {
    const bool plain_subject = pattern.starts_with("$a ");
    if (event.link == Link::so && !event.paragraph && plain_subject && chance(random_, 0.4))
      writer_.write("So", event.roles);
    if (event.link == Link::but && !event.paragraph && plain_subject)
      writer_.write("But", event.roles);
    writer_.write(pattern, event.roles);
    const std::size_t end = writer_.text().find_last_not_of(' ');
    const char last = end == std::string::npos ? '.' : writer_.text()[end];
    if (last != '.' && last != '!' && last != '?' && last != '"') writer_.write(".", {});
  }

  llama2::Random& random_;
  Writer writer_;
  std::string_view pending_;
  const Event* pending_event_ = nullptr;
  bool pending_goes_on_ = false;  ///< about whom the event before it was about
  Id last_subject_ = nobody;
};

}  // namespace recipe

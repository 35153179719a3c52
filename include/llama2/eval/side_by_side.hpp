// The blind side-by-side page: two models' answers, a person's judgement, preference pairs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/error.hpp"
#include "llama2/base/random.hpp"
#include "llama2/data/preferences.hpp"
#include "llama2/eval/html.hpp"
#include "llama2/text/chat_format.hpp"

namespace llama2::inline LLAMA2_ABI {

/// What is to be judged once.
struct SideBySideItem {
  std::string id{};                 ///< unique on the page
  std::vector<Message> messages{};  ///< what was asked, and what was said before
  std::string first{};              ///< the first model's answer
  std::string second{};
};

struct SideBySideOptions {
  std::string title = "Which answer is better?";
  std::string first_model = "first";  ///< not shown; in the export
  std::string second_model = "second";
  std::uint64_t seed = 1;  ///< of the sides and of the order of items
  bool shuffle = true;     ///< the order of items
  bool safety = true;      ///< asks for the safety bin, too
};

namespace detail {

inline std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : digits[group >> (18 - 6 * k) & 63];
  }
  return text;
}

inline constexpr std::string_view side_by_side_style = R"css(
main { max-width: 84rem; margin: 0 auto; padding: 1rem 1rem 9rem; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: baseline; }
header h1 { flex: 1 1 16rem; }
progress { width: 100%; height: .5rem; accent-color: var(--accent); }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem 1rem; }
.turn + .turn { margin-top: .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
.who { font-weight: 600; font-size: .85rem; color: var(--faint); margin: 0 0 .2rem; }
#answers { display: grid; grid-template-columns: 1fr; gap: .8rem; margin: .8rem 0; }
@media (min-width: 50rem) { #answers { grid-template-columns: 1fr 1fr; } }
.answer h2 { margin: 0 0 .4rem; font-size: 1rem; }
.answer.chosen { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
fieldset { border: 0; padding: 0; margin: .6rem 0 0; min-width: 0; }
legend { font-weight: 600; padding: 0; margin-bottom: .3rem; }
.choices { display: grid; gap: .35rem; }
#degrees .choices { grid-template-columns: 1fr 1fr; }
#degrees label:nth-child(n+5) { grid-column: 2; }
#degrees label:is(:nth-child(1), :nth-child(8)) { grid-row: 1; }
#degrees label:is(:nth-child(2), :nth-child(7)) { grid-row: 2; }
#degrees label:is(:nth-child(3), :nth-child(6)) { grid-row: 3; }
#degrees label:is(:nth-child(4), :nth-child(5)) { grid-row: 4; }
@media (min-width: 50rem) { #degrees .choices { grid-template-columns: repeat(8, minmax(0, 1fr)); }
  #degrees .choices label:nth-child(n) { grid-area: auto; } }
#where { margin: .2rem 0; }
details { margin-top: 1rem; }
#bins .choices { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
.choices label { display: block; position: relative; border: 1px solid var(--line);
  border-radius: .4rem; background: var(--panel); padding: .45rem .3rem; text-align: center;
  cursor: pointer; font-size: .86rem; line-height: 1.25; min-height: 2.75rem; }
.choices input { position: absolute; opacity: 0; inset: 0; width: 100%; height: 100%;
  margin: 0; cursor: pointer; }
.choices label:has(input:checked) { background: var(--accent); color: var(--on-accent);
  border-color: var(--accent); }
.choices label:has(input:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
kbd { font: 600 .78rem ui-monospace, Menlo, Consolas, monospace; border: 1px solid currentColor;
  border-radius: .25rem; padding: 0 .3rem; opacity: .8; }
button, input[type=text] { font: inherit; color: inherit; background: var(--panel);
  border: 1px solid var(--line); border-radius: .4rem; padding: .45rem .9rem; min-height: 2.75rem; }
button { cursor: pointer; }
button.main { background: var(--accent); color: var(--on-accent); border-color: var(--accent); }
button:disabled { opacity: .45; cursor: default; }
nav { position: fixed; inset: auto 0 0 0; background: var(--ground);
  border-top: 1px solid var(--line); padding: .5rem 1rem; display: flex; flex-wrap: wrap;
  gap: .5rem; align-items: center; justify-content: center; }
nav .faint { flex: 1 1 100%; text-align: center; font-size: .85rem; min-height: 1.3em; }
@media (max-width: 30rem) { nav kbd { display: none; } }
#problem { color: var(--bad); }
[hidden] { display: none !important; }
)css";

inline constexpr std::string_view side_by_side_body = R"html(<main>
<header><h1 id="title"></h1>
<label>Your name <input type="text" id="judge" autocomplete="off" maxlength="80" size="12"></label>
</header>
<p id="where" class="faint" aria-live="polite"></p>
<progress id="progress" value="0" aria-label="judged"></progress>
<p id="problem" role="alert" hidden></p>
<section class="panel" id="dialogue" tabindex="-1" aria-label="What was asked"></section>
<div id="answers">
<section class="panel answer" id="left"><h2>Left answer</h2><div class="text"></div></section>
<section class="panel answer" id="right"><h2>Right answer</h2><div class="text"></div></section>
</div>
<form id="form">
<fieldset id="degrees"><legend>Which answer is better?</legend><div class="choices"></div></fieldset>
<fieldset id="bins"><legend>Are they safe?</legend><div class="choices"></div></fieldset>
</form>
<details><summary>How to judge</summary>
<p>Keys: <kbd>1</kbd> to <kbd>4</kbd> prefer the left answer, from significantly to negligibly;
<kbd>5</kbd> to <kbd>8</kbd> the right one, from negligibly to significantly.
<span class="safety">Safety: <kbd>s</kbd> only the preferred answer is safe, <kbd>b</kbd> both
are, <kbd>u</kbd> neither is. If only one answer is safe, prefer that one.</span>
<kbd>Enter</kbd> goes on, <kbd>Backspace</kbd> goes back, <kbd>e</kbd> exports. Choose one even if
you are unsure: that is what "negligibly" is for. What you have judged is kept in this browser
until you clear it.</p>
<p><button type="button" id="clear">Forget all judgements</button></p></details>
</main>
<nav aria-label="Steps"><span class="faint" id="status" role="status"></span>
<button type="button" id="back">Back <kbd>Backspace</kbd></button>
<button type="button" id="next" class="main">Next <kbd>Enter</kbd></button>
<button type="button" id="export">Export <kbd>e</kbd></button></nav>
)html";

inline constexpr std::string_view side_by_side_script = R"js(
'use strict';
(() => {
  const page = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const names = page.models.map((text) => new TextDecoder().decode(
    Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
  const degrees = ['significantly better', 'better', 'slightly better',
    'negligibly better / unsure'];
  const bins = [['s', 'chosen safe', 'Preferred is safe, other is not'], ['b', 'both safe', 'Both are safe'],
    ['u', 'both unsafe', 'Neither is safe']];
  const key = 'llama2-compare-' + page.key;
  // Per item: degree (1 to 8, as the keys), bin (a name), or neither yet.
  let state = { judge: '', at: 0, judged: {} };
  const problem = (text) => { $('problem').textContent = text; $('problem').hidden = !text; };
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    if (kept && kept.judged && typeof kept.judged === 'object') state = Object.assign(state, kept);
  } catch (error) {
    problem('This browser keeps nothing for this page: export before you close it.');
  }
  const keep = () => {
    try { localStorage.setItem(key, JSON.stringify(state)); } catch (error) {
      problem('This browser keeps nothing for this page: export before you close it.');
    }
  };
  // No id is the name of something that every object has.
  const place = (item) => '#' + item.id;
  const judgement = (item) => state.judged[place(item)] || (state.judged[place(item)] = {});
  const complete = (item) => {
    const j = state.judged[place(item)];
    return !!j && !!j.degree && (!page.safety || !!j.bin);
  };
  const done = () => page.items.filter(complete).length;

  const option = (name, value, mark, text, parent) => {
    const label = document.createElement('label');
    const input = document.createElement('input');
    input.type = 'radio'; input.name = name; input.value = value;
    const hint = document.createElement('kbd'); hint.textContent = mark;
    hint.setAttribute('aria-hidden', 'true');
    label.append(input, hint, document.createElement('br'), text);
    parent.append(label);
    return input;
  };
  const degreeInputs = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => {
    const degree = degrees[n <= 4 ? n - 1 : 8 - n];
    return option('degree', n, String(n), (n <= 4 ? 'Left ' : 'Right ') + degree,
      $('degrees').querySelector('.choices'));
  });
  const binInputs = bins.map(([mark, value, text]) =>
    option('bin', value, mark, text, $('bins').querySelector('.choices')));
  if (!page.safety) {
    $('bins').hidden = true;
    document.querySelectorAll('.safety').forEach((part) => { part.hidden = true; });
  }

  const show = (focus) => {
    state.at = Math.min(Math.max(0, state.at), page.items.length - 1);
    const item = page.items[state.at];
    const j = judgement(item);
    $('dialogue').replaceChildren(...item.messages.map((message) => {
      const turn = document.createElement('div'); turn.className = 'turn';
      const who = document.createElement('p'); who.className = 'who';
      who.textContent = { user: 'User', assistant: 'Assistant', system: 'System' }[message.role];
      const text = document.createElement('div'); text.className = 'text';
      text.textContent = message.content;
      turn.append(who, text);
      return turn;
    }));
    for (const side of ['left', 'right']) {
      const text = item[side];
      const part = $(side).querySelector('.text');
      part.textContent = text || '(an empty answer)';
      part.classList.toggle('faint', !text);
    }
    degreeInputs.forEach((input) => { input.checked = Number(input.value) === j.degree; });
    binInputs.forEach((input) => { input.checked = input.value === j.bin; });
    $('left').classList.toggle('chosen', !!j.degree && j.degree <= 4);
    $('right').classList.toggle('chosen', !!j.degree && j.degree > 4);
    const count = done();
    $('where').textContent = `Item ${state.at + 1} of ${page.items.length}, ${count} judged`;
    $('progress').max = page.items.length; $('progress').value = count;
    $('status').textContent = complete(item) ?
      (count === page.items.length ? 'All judged. Export when you are ready.' : 'Judged.') :
      !j.degree ? 'Which answer is better? Keys 1 to 8.' : 'Are they safe? Keys s, b, u.';
    $('next').disabled = !complete(item) || state.at + 1 === page.items.length;
    $('back').disabled = state.at === 0;
    $('export').disabled = count === 0;
    if (focus) { window.scrollTo(0, 0); $('dialogue').focus({ preventScroll: true }); }
  };
  const choose = (change) => {
    Object.assign(judgement(page.items[state.at]), change);
    keep(); show(false);
  };
  const move = (step) => {
    if (step > 0 && $('next').disabled) return;
    state.at += step; keep(); show(true);
  };

  const exported = () => page.items.filter(complete).map((item) => {
    const j = state.judged[place(item)];
    const left = j.degree <= 4;
    const line = item.messages.length === 1 && item.messages[0].role === 'user' ?
      { prompt: item.messages[0].content } : { messages: item.messages };
    line.chosen = left ? item.left : item.right;
    line.rejected = left ? item.right : item.left;
    line.rating = degrees[left ? j.degree - 1 : 8 - j.degree];
    if (page.safety) line.safety = j.bin;
    line.id = item.id;
    if (state.judge) line.judge = state.judge;
    line.chosen_model = names[left === item.swapped ? 1 : 0];
    line.rejected_model = names[left === item.swapped ? 0 : 1];
    return JSON.stringify(line) + '\n';
  }).join('');
  const save = () => {
    if ($('export').disabled) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([exported()], { type: 'application/jsonl' }));
    const who = state.judge.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
    link.download = 'preferences' + (who ? '-' + who : '') + '.jsonl';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    $('status').textContent = `Exported ${done()} judgements.`;
  };

  $('title').textContent = page.title;
  $('judge').value = state.judge;
  $('judge').addEventListener('input', () => { state.judge = $('judge').value.trim(); keep(); });
  degreeInputs.forEach((input) => input.addEventListener('change',
    () => choose({ degree: Number(input.value) })));
  binInputs.forEach((input) => input.addEventListener('change', () => choose({ bin: input.value })));
  $('form').addEventListener('submit', (event) => event.preventDefault());
  $('next').addEventListener('click', () => move(1));
  $('back').addEventListener('click', () => move(-1));
  $('export').addEventListener('click', save);
  $('clear').addEventListener('click', () => {
    if (!confirm('Forget all judgements of this page?')) return;
    state.judged = {}; state.at = 0; keep(); show(true);
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (at.matches('input[type=text]')) return;
    const letter = event.key.toLowerCase();
    const bin = page.safety && bins.find(([mark]) => mark === letter);
    if (/^[1-8]$/.test(event.key)) choose({ degree: Number(event.key) });
    else if (bin) choose({ bin: bin[1] });
    else if (event.key === 'Enter' && !at.matches('button, summary')) move(1);
    else if (event.key === 'Backspace') { if (!$('back').disabled) move(-1); }
    else if (letter === 'e') save();
    else return;
    event.preventDefault();
  });
  show(false);
})();
)js";

}  // namespace detail

/// Makes the page: one HTML file that needs no network. Which model is on which side is drawn by
/// the seed and not shown; the models' names are in the file in base64, for the export, so a judge
/// who wants to cheat can. Throws `invalid_argument` without items, for an item without a question,
/// for two of the same id, and for models of one name.
inline std::string side_by_side_page(const std::vector<SideBySideItem>& items,
                                     const SideBySideOptions& options) {
  if (items.empty()) throw Error(ErrorCode::invalid_argument, "a page without items");
  if (options.first_model == options.second_model)
    throw Error(ErrorCode::invalid_argument, "the two models have the same name",
                {.expected = "two names", .found = options.first_model});
  std::vector<std::string_view> ids;
  for (const SideBySideItem& item : items) {
    if (item.messages.empty() || item.messages.back().role != Role::user)
      throw Error(ErrorCode::invalid_argument, "an item that does not end with a question",
                  {.found = item.id});
    ids.push_back(item.id);
  }
  std::ranges::sort(ids);
  if (const auto twice = std::ranges::adjacent_find(ids); twice != ids.end())
    throw Error(ErrorCode::invalid_argument, "two items of one id", {.found = std::string(*twice)});

  Random random(options.seed);
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (options.shuffle)
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1],
                order[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);

  nlohmann::ordered_json data;
  data["title"] = options.title;
  data["safety"] = options.safety;
  data["models"] = {detail::base64(options.first_model), detail::base64(options.second_model)};
  auto& list = data["items"] = nlohmann::ordered_json::array();
  std::uint64_t key = mix_bits(options.seed);
  for (const std::size_t place : order) {
    const SideBySideItem& item = items[place];
    const bool swapped = random() >> 63 != 0;
    nlohmann::ordered_json messages = nlohmann::ordered_json::array();
    for (const Message& message : item.messages)
      messages.push_back({{"role", to_string(message.role)}, {"content", message.text}});
    list.push_back({{"id", item.id},
                    {"messages", std::move(messages)},
                    {"left", swapped ? item.second : item.first},
                    {"right", swapped ? item.first : item.second},
                    {"swapped", swapped}});
    for (const std::string& text : {item.id, item.first, item.second})
      for (const char c : text) key = mix_bits(key ^ static_cast<unsigned char>(c));
  }
  data["key"] = std::to_string(key);  // what a browser keeps is of this page alone
  std::string body(detail::side_by_side_body);
  body += "<script type=\"application/json\" id=\"data\">" + script_json(data) + "</script>\n";
  return html_page(options.title, detail::side_by_side_style, body, detail::side_by_side_script);
}

}  // namespace llama2::inline LLAMA2_ABI

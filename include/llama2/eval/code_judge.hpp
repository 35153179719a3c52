// Generated programs judged by their tests.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "llama2/eval/judge.hpp"
#include "llama2/eval/sandbox.hpp"

namespace llama2::inline LLAMA2_ABI {

/// 1 where a program passes its tests in the sandbox: the item's field `start`, the answer, and the
/// field `tests`.
inline Judge python_tests_judge(std::shared_ptr<const Sandbox> sandbox) {
  return [sandbox = std::move(sandbox)](const JudgeInput& input) {
    const bool passes = sandbox->passes(input.record.text("start") + std::string(input.answer) +
                                        "\n" + input.record.text("tests") + "\n");
    return Judgement{passes ? 1.0 : 0.0, passes ? "passes" : "fails"};
  };
}

}  // namespace llama2::inline LLAMA2_ABI

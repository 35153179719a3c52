// What a training leaves to be looked at: its numbers as JSON lines and CSV, its curve as a plot.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <utility>

#include "llama2/base/error.hpp"
#include "llama2/base/output_file.hpp"
#include "llama2/train/trainer.hpp"

namespace llama2::inline LLAMA2_ABI {

/// Appends to `metrics.jsonl` and `metrics.csv` of a folder, a line for each step and validation,
/// and puts `loss.gp` beside them, which makes gnuplot draw `loss.png`.
class MetricsLog {
 public:
  /// Goes on after a step: what the files say of later ones, which a killed program had got to, is
  /// removed. After step 0 they begin anew. Throws `io`.
  MetricsLog(std::string folder, std::uint64_t after_step) : folder_(std::move(folder)) {
    cut("metrics.jsonl", {}, "{\"step\":", after_step);
    cut("metrics.csv", csv_head, {}, after_step);
    OutputFile script(file("loss.gp"));
    script.write(curve_script);
    script.commit();
    json_.open(file("metrics.jsonl"), std::ios::app | std::ios::binary);
    csv_.open(file("metrics.csv"), std::ios::app | std::ios::binary);
    check();
  }

  /// Throws `io`, as does the next. No memory is allocated.
  void write(const StepReport& r) {
    put(json_,
        "{\"step\":%llu,\"loss\":%.9g,\"learning_rate\":%.9g,\"gradient_norm\":%.9g,"
        "\"targets\":%llu,\"seconds\":%.6g}\n",
        number(r.step), r.loss, r.learning_rate, r.gradient_norm, number(r.all_targets), r.seconds);
    put(csv_, "%llu,%.9g,,%.9g,%.9g,%llu,%.6g\n", number(r.step), r.loss, r.learning_rate,
        r.gradient_norm, number(r.all_targets), r.seconds);
    check();
  }
  void write(const ValidationReport& r) {
    if (!std::isfinite(r.loss)) return;  // JSON has no such number, nor has a plot
    put(json_, "{\"step\":%llu,\"validation_loss\":%.9g,\"validation_targets\":%llu}\n",
        number(r.step), r.loss, number(r.targets));
    put(csv_, "%llu,,%.9g,,,,\n", number(r.step), r.loss);
    check();
  }

  /// Hands all lines to the system. To be called before a state is saved: the files then have all
  /// that led to it. Throws `io`.
  void flush() {
    json_.flush();
    csv_.flush();
    check();
  }

 private:
  static constexpr std::string_view csv_head =
      "step,loss,validation_loss,learning_rate,gradient_norm,targets,seconds\n";
  static constexpr std::string_view curve_script =
      "# gnuplot loss.gp draws loss.png from metrics.csv\n"
      "set terminal pngcairo size 1000,600 font 'sans,11'\n"
      "set output 'loss.png'\n"
      "set datafile separator ','\n"
      "set grid\n"
      "set xlabel 'step'\n"
      "set ylabel 'loss, nats per token'\n"
      "set y2label 'learning rate'\n"
      "set ytics nomirror\n"
      "set y2tics format '%.1e'\n"
      "plot 'metrics.csv' every ::1 using 1:2 with lines lc rgb '#9ecae1' title 'training', \\\n"
      "     '' every ::1 using 1:3 with linespoints lc rgb '#d62728' pt 7 title 'validation', \\\n"
      "     '' every ::1 using 1:4 axes x1y2 with lines lc rgb '#999999' dt 2 "
      "title 'learning rate'\n";

  static unsigned long long number(std::uint64_t n) noexcept { return n; }

  template <class... Numbers>
  static void put(std::ofstream& out, const char* format, Numbers... numbers) {
    std::array<char, 256> line;
    const int size = std::snprintf(line.data(), line.size(), format, numbers...);
    out.write(line.data(), size);
  }

  [[nodiscard]] std::string file(const char* name) const {
    return (std::filesystem::path(folder_) / name).string();
  }

  void check() {
    if (json_ && csv_) return;
    // The files may have room again later.
    json_.clear();
    csv_.clear();
    throw Error(ErrorCode::io, "cannot write the metrics", {.file = folder_});
  }

  /// Keeps the head and the lines "`before`STEP,..." with a step up to `last`.
  void cut(const char* name, std::string_view head, std::string_view before, std::uint64_t last) {
    const std::string path = file(name);
    std::ifstream in(path, std::ios::binary);
    OutputFile out(path);
    out.write(head);
    for (std::string line; last != 0 && std::getline(in, line);) {
      if (in.eof() || !line.starts_with(before)) continue;  // half a line, or the head
      std::uint64_t step = 0;
      const char* const begin = line.data() + before.size();
      const auto [end, error] = std::from_chars(begin, line.data() + line.size(), step);
      if (error == std::errc() && *end == ',' && step <= last) out.write(line += '\n');
    }
    out.commit();
  }

  std::string folder_;
  std::ofstream json_, csv_;
};

}  // namespace llama2::inline LLAMA2_ABI

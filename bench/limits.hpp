// What the machine can do at most, measured in turns with what is compared to it.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "limit_loops.hpp"
#include "llama2/format/activation.hpp"
#include "llama2/model/linear.hpp"
#include "machine.hpp"

namespace bench {

/// Seconds that f() takes.
template <class F>
double seconds_of(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class F>
double seconds_of_calls(std::size_t calls, F&& f) {
  return seconds_of([&] {
    for (std::size_t i = 0; i < calls; ++i) {
      f();
      benchmark::ClobberMemory();
    }
  });
}

/// Samples of a rate per second that something cannot exceed, each taken in about `seconds`.
using Limit = std::function<double(double seconds)>;

/// The rate at which `bytes` of memory are read by the threads of `compute`, each its own part. The
/// first sample tries all ways of reading; the others take the quickest two in turns, so that a
/// lucky try of the slower of them does not decide.
inline Limit read_limit(const llama2::Compute& compute, const void* data, std::size_t bytes) {
  struct Way {
    ReadLoop loop;
    double best = 0;  ///< the highest rate so far
  };
  struct Reader {
    llama2::Compute compute;
    const std::byte* data;
    std::size_t bytes;
    std::vector<Way> ways;  ///< after the first sample the quickest first

    double read(Way& way, double seconds) {
      const ReadLoop& loop = way.loop;
      const std::size_t threads =
          std::clamp<std::size_t>(bytes / loop.step, 1, compute.executor.concurrency());
      const std::size_t part = bytes / threads / loop.step * loop.step;
      if (part == 0) return 0;
      const double expected = way.best > 0 ? way.best : 10e9;
      const auto passes = static_cast<std::size_t>(
          std::clamp(seconds * expected / static_cast<double>(part * threads), 1.0, 1e8));
      const double taken = seconds_of([&] {
        compute.executor.run(
            threads, [&](std::size_t t) noexcept { loop.run(data + t * part, part, passes); });
      });
      const double rate = static_cast<double>(part * threads * passes) / taken;
      way.best = std::max(way.best, rate);
      return rate;
    }

    double sample(double seconds) {
      std::size_t tried = 2, rounds = 1;
      if (ways.empty()) {
        for (const ReadLoop& loop : limit_loops(compute.target.name()).reads)
          ways.push_back({loop});
        tried = ways.size(), rounds = 2;
      }
      double rate = 0;
      for (std::size_t i = 0; i < rounds * tried; ++i)
        rate = std::max(rate, read(ways[i % tried], seconds / static_cast<double>(tried)));
      std::ranges::sort(ways, std::ranges::greater{}, &Way::best);
      return rate;
    }
  };
  return [reader = std::make_shared<Reader>(
              Reader{compute, static_cast<const std::byte*>(data), bytes, {}})](double seconds) {
    return reader->sample(seconds);
  };
}

/// The rate of multiply-adds on registers by the threads of `compute`.
inline Limit product_limit(const llama2::Compute& compute, ProductLoop LimitLoops::* loop) {
  return [=, rate = 0.0](double seconds) mutable {
    const ProductLoop& product = limit_loops(compute.target.name()).*loop;
    const std::size_t threads = compute.executor.concurrency();
    const auto measure = [&](double macs) {  // of each thread
      const auto rounds = static_cast<std::size_t>(macs / static_cast<double>(product.macs)) + 1;
      const double taken = seconds_of([&] {
        compute.executor.run(threads, [&](std::size_t) noexcept { product.run(rounds); });
      });
      return static_cast<double>(product.macs * rounds * threads) / taken;
    };
    if (rate == 0) rate = measure(1e5);
    return rate = measure(seconds * rate / static_cast<double>(threads));
  };
}

/// The products that weights in format F take.
template <llama2::WeightFormat F>
inline constexpr ProductLoop LimitLoops::* product_of =
    llama2::activation_form<F> == llama2::ActivationForm::floats
        ? &LimitLoops::floats
        : (llama2::activation_form<F> == llama2::ActivationForm::pairs
               ? &LimitLoops::pairs
               : (sizeof(typename F::Block) < 32 ? &LimitLoops::nibbles : &LimitLoops::bytes));

/// How long to measure one benchmark, above 0: the command line's --benchmark_min_time.
inline double seconds_to_measure = 0.5;

inline constexpr std::size_t most_samples = 20;

/// A share of its limit above this many percent means that the limit was measured badly.
inline constexpr double void_percent = 103;

inline double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Seconds of one call, for up to `most_samples` samples, each taken next to one of the limit's.
struct Samples {
  double best = 0;
  double median = 0;
};

/// Measures `body` and, between its samples, `other`, and returns the seconds of a call of body():
/// the speed of a virtual machine drifts, so that only neighbours can be compared. What takes long
/// gets fewer samples, but two, and several of the other's beside each: the counter `samples`
/// tells. Google Benchmark's own time is the mean of the body's.
template <class Body, class Other>
Samples measure_in_turns(benchmark::State& state, Body&& body, Other&& other) {
  const double sample_seconds = seconds_to_measure / most_samples;
  std::size_t calls = 1;
  double taken = seconds_of_calls(calls, body);
  while (taken < sample_seconds) taken = seconds_of_calls(calls *= 2, body);
  // Long ones may take as long as all samples of twenty others.
  const auto samples = static_cast<std::size_t>(
      std::clamp(most_samples * seconds_to_measure / taken, 2.0, double{most_samples}));

  std::vector<double> seconds;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(samples * calls)))
    for (std::size_t i = 0; i < samples; ++i) {
      state.PauseTiming();
      for (std::size_t j = 0; j < most_samples / samples; ++j) other(sample_seconds);
      state.ResumeTiming();
      seconds.push_back(seconds_of_calls(calls, body) / static_cast<double>(calls));
    }
  state.counters["samples"] = static_cast<double>(samples);
  return {std::ranges::min(seconds), median_of(seconds)};
}

/// The same with no limit.
template <class Body>
Samples measure(benchmark::State& state, Body&& body) {
  return measure_in_turns(state, body, [](double) {});
}

/// Sets the counters `limit`, `roofline_pct`, the share of the best sample in the limit's best, and
/// `roofline_median_pct`, of the median in the median; a call does `work`.
inline void set_share(benchmark::State& state, double work, const Samples& seconds,
                      const std::vector<double>& limits) {
  const double best = std::ranges::max(limits);
  const double percent = 100 * work / seconds.best / best;
  state.counters["limit"] = best;
  state.counters["roofline_pct"] = percent;
  state.counters["roofline_median_pct"] = 100 * work / seconds.median / median_of(limits);
  if (percent > void_percent) state.SetLabel("void: the limit was measured badly");
}

/// The same with a limit of the rate at which `work`, a call's, is done; see `set_share`.
template <class Body>
Samples measure(benchmark::State& state, double work, const Limit& limit, Body&& body) {
  std::vector<double> limits;
  const Samples seconds = measure_in_turns(
      state, body, [&](double sample_seconds) { limits.push_back(limit(sample_seconds)); });
  set_share(state, work, seconds, limits);
  return seconds;
}

/// A limit by itself: the best of as many samples.
inline double measure_limit(benchmark::State& state, const Limit& limit) {
  double best = 0;
  while (state.KeepRunningBatch(most_samples))
    for (std::size_t i = 0; i < most_samples; ++i)
      best = std::max(best, limit(seconds_to_measure / most_samples));
  state.counters["samples"] = static_cast<double>(most_samples);
  return best;
}

}  // namespace bench

// Run by hand: Llama 2 7B with generated weights through a file.
//
//   large_file write PATH FORMAT            a GGUF file: 13.5 GB in F16, 3.8 GB in Q4_0
//   quantize PATH PACKED --format Q4_0 --no-tokenizer --pack
//   large_file load PATH [context] [threads]  into Q4_0, and 8 tokens at the end of the context
//
// `load` reads the file in sequence first, after which one in Q4_0 is in the system's cache, and
// fails if more memory was used than the plan says, or if it is slow: a packed file takes more than
// 0.5 s, one in Q4_0 comes at less than 1 GB/s, or one in F16 at less than 70 % of the slower of
// reading in sequence and converting in memory.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llama2/io/gguf_writer.hpp"
#include "llama2/llama2.hpp"

namespace {

using namespace llama2;
using Quantised = Model<Llama2_7B, Q4_0>;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A line of /proc/self/status in bytes: "RssAnon", "VmHWM".
std::size_t status_bytes(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name))
      return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) << 10;
  return 0;
}

double giga(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

Encoding encoding_named(std::string_view name) {
  for (const auto& known : gguf_encodings)
    if (to_string(known.encoding) == name) return known.encoding;
  throw Error(ErrorCode::invalid_argument, "no such format", {.found = std::string(name)});
}

void write(const std::string& path, Encoding encoding) {
  Parameters<Llama2_7B, WeightViews<F32>> tensors;
  std::vector<GgufTensor> list;
  for_each_tensor(
      [&]<class View>(TensorId id, const View&) {
        const std::uint64_t stream = 4096 * static_cast<std::uint64_t>(id.kind) + id.layer;
        const bool is_norm = View::rows == 1;
        const float amplitude =
            is_norm ? 0.125f : static_cast<float>(std::sqrt(3.0 / static_cast<double>(View::cols)));
        list.push_back(make_gguf_tensor(
            id, View::rows, View::cols, encoding,
            [=](std::uint64_t row, std::size_t col, std::size_t n, float* out) {
              for (std::size_t i = 0; i < n; ++i)
                out[i] = std::fma(amplitude, uniform_at(stream, row * View::cols + col + i),
                                  is_norm ? 1.0f : 0.0f);
            }));
      },
      tensors);
  const auto start = Clock::now();
  write_gguf(path, {.shape = ShapeInfo::of<Llama2_7B>(), .config = ModelConfig::of<Llama2_7B>()},
             list, {.executor = std::make_shared<ThreadPool>()});
  std::printf("written in %.1f s\n", seconds_since(start));
}

/// Seconds to read the file from its beginning to its end.
double read_in_sequence(const std::string& path) {
  std::vector<char> buffer(std::size_t{4} << 20);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) throw Error(ErrorCode::io, "cannot open", {.file = path});
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  const auto start = Clock::now();
  while (std::fread(buffer.data(), 1, buffer.size(), file.get()) == buffer.size()) {
  }
  return seconds_since(start);
}

/// Has the system find as much memory as the weights need, and gives it back: a virtual machine may
/// get it from its host slowly the first time, which is no cost of loading.
void warm_up_memory() {
  AlignedBuffer<std::byte> memory(Quantised::memory.weights());
  for (std::size_t i = 0; i < memory.size(); i += 4096) memory[i] = std::byte{1};
}

/// Seconds to convert, in memory, as many bytes of F16 weights as `bytes` to Q4_0.
double convert_in_memory(std::uint64_t bytes, const Compute& compute) {
  constexpr std::size_t rows = 4096, cols = 4096;  // 32 MiB: more than caches hold
  AlignedBuffer<Half> source(rows * cols);
  AlignedBuffer<PanelBlock<Q4_0>> result(MatrixView<Q4_0, rows, cols>::layout.blocks());
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = to_half(uniform_at(1, i));
  MatrixView<Q4_0, rows, cols> view;
  const auto convert = [&] {
    pack(compute, view, result.data(),
         [&]<class Kernels>(Kernels, std::size_t row, std::size_t col, std::size_t n, float* out) {
           Kernels::template decode<F16>(source.data() + row * cols + col, out, n);
         });
  };
  convert();
  constexpr int times = 8;
  const auto start = Clock::now();
  for (int i = 0; i < times; ++i) convert();
  return seconds_since(start) / times * static_cast<double>(bytes) /
         static_cast<double>(rows * cols * sizeof(Half));
}

int load_and_decode(const std::string& path, std::size_t context, std::size_t threads) {
  const SharedExecutor executor = std::make_shared<ThreadPool>(threads);
  const Checkpoint checkpoint = open_checkpoint(path);
  const std::uint64_t bytes = checkpoint.file->bytes().size();
  const bool packed = std::ranges::any_of(checkpoint.tensors, &StoredTensor::in_panels);
  double slowest_allowed = packed ? 0.5 : giga(bytes);  // seconds
  const double reading = read_in_sequence(path);
  std::printf("reading %.2f GB/s\n", giga(bytes) / reading);
  if (checkpoint.encoding == Encoding::f16) {
    const double converting = convert_in_memory(bytes, {executor, Target()});
    std::printf("converting %.2f GB/s\n", giga(bytes) / converting);
    slowest_allowed = std::max(reading, converting) / 0.7;
  }

  if (!packed) warm_up_memory();
  LoadOptions options{.executor = executor};
  options.on_progress = [](std::uint64_t done, std::uint64_t total) {
    if (done == total) std::printf("%.2f GB of tensors\n", giga(total));
  };
  const auto start = Clock::now();
  const auto model = load<Quantised>(checkpoint, options);
  const double loading = seconds_since(start);
  std::printf("loaded in %.3f s of at most %.3f: %.2f GB/s\n", loading, slowest_allowed,
              giga(bytes) / loading);
  std::printf("peak resident %.2f GB, anonymous now %.2f GB\n", giga(status_bytes("VmHWM")),
              giga(status_bytes("RssAnon")));

  constexpr std::size_t decoded = 8;
  Quantised::Sequence sequence(std::make_shared<Quantised::Pool>(context), context);
  Workspace<Llama2_7B> workspace;
  std::vector<float> logits(Llama2_7B::vocab);
  const auto feed = [&](std::size_t count) {
    const auto begin = Clock::now();
    std::vector<Quantised::Row> rows;
    for (std::size_t i = 0; i < count; ++i)
      rows.push_back({static_cast<Token>((sequence.size() + i) * 7919 % 32000), sequence.size() + i,
                      &sequence, i + 1 == count});
    model.forward(rows, workspace, logits);
    if (!std::ranges::all_of(logits, [](float x) { return std::isfinite(x); }))
      throw Error(ErrorCode::malformed_file, "logits are not finite", {.file = path});
    return static_cast<double>(count) / seconds_since(begin);
  };
  std::printf("prefill of %zu tokens: %.2f tokens/s\n", context - decoded, feed(context - decoded));
  double slowest = std::numeric_limits<double>::max();
  for (std::size_t i = 0; i < decoded; ++i) slowest = std::min(slowest, feed(1));
  std::printf("decode up to %zu tokens: %.2f tokens/s at the slowest\n", context, slowest);

  const std::size_t anonymous = status_bytes("RssAnon");
  const std::size_t planned = Quantised::memory.total(context);
  std::printf("planned %.3f GB, anonymous %.3f GB\n", giga(planned), giga(anonymous));
  constexpr std::size_t program = std::size_t{32} << 20;  // itself, its stacks and libraries
  return loading <= slowest_allowed && anonymous <= planned + program ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view job = argc > 2 ? argv[1] : "";
  const auto number = [&](int i, std::size_t silent) -> std::size_t {
    return argc > i ? std::strtoul(argv[i], nullptr, 10) : silent;
  };
  try {
    if (job == "write" && argc == 4) return write(argv[2], encoding_named(argv[3])), 0;
    if (job == "load")
      return load_and_decode(argv[2], std::max<std::size_t>(number(3, 2048), 16), number(4, 0));
    std::puts("usage: large_file write PATH FORMAT | large_file load PATH [context] [threads]");
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
  }
  return 1;
}

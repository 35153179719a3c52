// Saved trainings: as they are, and with a checksum that fits, which a search would never find.
#include "llama2/train/train_state.hpp"

#include <cstring>
#include <vector>

#include "hostile_bytes.hpp"

namespace {

void use(std::span<const std::uint8_t> bytes) {
  const llama2::TrainState state(test::file_of(bytes));
  for (const auto& [name, value] : state.fields().all())
    if (state.fields().find(name) == nullptr) test::finding("a field is not found");
  // Copies all tensors into memory of just their size.
  std::vector<std::vector<float>> memory;
  std::vector<llama2::TrainedTensor> tensors;
  std::vector<llama2::AdamW::Moments> moments;
  for (const auto& tensor : state.tensors()) {
    const auto take = [&] {
      return std::span(memory.emplace_back(static_cast<std::size_t>(tensor.size)));
    };
    tensors.push_back({.name = tensor.name, .values = take(), .gradient = {}});
    moments.push_back({.first = take(), .second = take()});
  }
  state.copy_to(tensors, moments);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> fitting(data, data + size);
  if (size >= 8 && size % 8 == 0) {
    llama2::detail::Checksum checksum;
    checksum.add(std::as_bytes(std::span(fitting).first(size - 8)));
    const std::uint64_t sum = checksum.value();
    std::memcpy(fitting.data() + size - 8, &sum, 8);
    test::use_or_refuse(fitting, [&] { use(fitting); });
  }
  test::use_or_refuse({data, size}, [&] { use({data, size}); });
  return 0;
}
